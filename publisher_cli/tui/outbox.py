"""The requests that this application sent, and the drafts that an editor has not sent yet. Pure: no I/O."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeVar

from publisher_cli.submit.waiting import is_window
from publisher_cli.tui.draft import Draft
from publisher_cli.tui.steps import Send
from ticker.client.pending_request import new_key
from ticker.core.line import Change
from ticker.core.submission import DecisionRequest, Receipt, ReceiptStatus, Submission

REMEMBERED_MAX: Final = 500
"""Maximum number of held items and of shown receipts that are remembered."""

LATEST_MAX: Final = 5
"""Maximum number of receipts that are printed when the application ends."""

STAY: Final = timedelta(seconds=10)
"""How long after a receipt Ctrl+C doesn't quit."""

_FINAL: Final = frozenset({ReceiptStatus.ON_AIR, ReceiptStatus.DROPPED})
"""Receipts after which an item isn't held any more."""

UNSETTLED: Final = frozenset({ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR, ReceiptStatus.UNKNOWN})
"""Receipts after which the same line may be sent again, with the same idempotency key."""

DraftSlot = tuple[str, Change, str | None]
"""The key of a draft: its edition, its change, and the id of the line that it changes."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Outbox:
    """The requests that wait for a receipt, the items held for this editor, and the receipts already shown."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Send, datetime]] = {}
        self._held: dict[str, Send] = {}
        self._shown: dict[tuple[str, ReceiptStatus], None] = {}
        self._undo_window: tuple[str, datetime] | None = None
        self._ended: dict[str, None] = {}
        self._latest: dict[str, tuple[Receipt, str]] = {}
        self._shown_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether any request waits for its receipt."""
        return bool(self._waiting)

    @property
    def is_draft_waiting(self) -> bool:
        """Whether a request from the compose line waits for its receipt."""
        return any(sent.draft is not None for sent, _ in self._waiting.values())

    def waited_s(self, now: datetime) -> float:
        """Return how long the oldest request has waited for its receipt."""
        return max(((now - sent_at).total_seconds() for _, sent_at in self._waiting.values()), default=0.0)

    def add(self, sent: Send, now: datetime) -> None:
        """Add a request that waits for its receipt."""
        self._waiting[sent.request.key] = (sent, now)

    @property
    def open_requests(self) -> list[Send]:
        """The requests that wait for their receipt."""
        return [sent for sent, _ in self._waiting.values()]

    @property
    def latest_receipts(self) -> list[tuple[Receipt, str]]:
        """The latest receipts, the newest last, each with the text that it is about. One per request."""
        return list(self._latest.values())

    def why_stay(self, now: datetime) -> str | None:
        """Return why Ctrl+C must not quit now, or None: an editor who presses it after a post means to undo that."""
        if self.is_waiting:
            return "the desk has not answered yet: wait for its receipt (Ctrl+Q quits)"
        if self._shown_at is not None and now - self._shown_at < STAY:
            return "there is nothing to take back: to take a line off the screens, select it and press w (Ctrl+Q quits)"
        return None

    @property
    def has_just_taken_back(self) -> bool:
        """Whether the receipt shown last says that a line was taken back."""
        return bool(self._latest) and self.latest_receipts[-1][0].status is ReceiptStatus.DROPPED

    def is_decided(self, held_id: str) -> bool:
        """Return whether a held item has its final receipt, or a decision about it waits for its receipt."""
        decisions = (sent.request for sent in self.open_requests)
        return held_id in self._ended or any(
            isinstance(request, DecisionRequest) and request.held == held_id for request in decisions
        )

    def waits_for(self, key: str) -> bool:
        return key in self._waiting

    def settle(self, sent: Send, receipt: Receipt) -> None:
        """Record the receipt of a request. Remember a held item, and its undo window if it has one."""
        self._waiting.pop(sent.request.key, None)
        if receipt.status is not ReceiptStatus.HELD or receipt.held is None:
            return
        _remember(self._held, receipt.held, sent)
        if receipt.due_at is not None and isinstance(sent.request, Submission) and is_window(receipt, sent.request):
            self._undo_window = (receipt.held, receipt.due_at)

    def held_request(self, held_id: str) -> Send | None:
        """Return the request that is, or was, held under this id, or None if this application didn't send it."""
        return self._held.get(held_id)

    def undo_window(self, now: datetime) -> tuple[str, float] | None:
        """Return the id of the item in its undo window and the seconds left, or None if no window is open."""
        if self._undo_window is None or self._undo_window[1] <= now:
            return None
        held_id, due_at = self._undo_window
        return held_id, (due_at - now).total_seconds()

    def was_shown(self, receipt: Receipt) -> bool:
        """Return whether this receipt was shown, or the same outcome of its held item.

        An author who takes back their own item gets two receipts: one for that request, and one for the item.
        """
        is_known = receipt.status in _FINAL and receipt.held in self._ended
        return is_known or (receipt.key, receipt.status) in self._shown

    def mark_shown(self, receipt: Receipt, quoted: str, now: datetime) -> None:
        """Record that a receipt is shown. The receipt of the item in its undo window ends that window."""
        _remember(self._shown, (receipt.key, receipt.status), None)
        self._shown_at = now
        self._latest.pop(receipt.held or receipt.key, None)
        _remember(self._latest, receipt.held or receipt.key, (receipt, quoted), LATEST_MAX)
        is_settled = receipt.status is not ReceiptStatus.HELD
        if receipt.held is not None and receipt.status in _FINAL:
            _remember(self._ended, receipt.held, None)
        if self._undo_window is not None and receipt.held == self._undo_window[0] and is_settled:
            self._undo_window = None


class Drafts:
    """Unsent drafts: one per edition for a new line, and one per change of a line."""

    def __init__(self) -> None:
        self._drafts: dict[DraftSlot, Draft] = {}
        self._unsettled: dict[DraftSlot, Send] = {}

    def keep(self, edition: str, draft: Draft) -> None:
        """Keep a draft until its editor returns to it. A blank draft replaces the one that was kept."""
        if draft.is_blank:
            self._drafts.pop(_slot(edition, draft), None)
        else:
            self._drafts[_slot(edition, draft)] = draft

    def restore(self, edition: str, blank: Draft) -> Draft:
        """Return the draft kept in place of `blank`. Return `blank` without one, or if the line has changed since."""
        kept = self._drafts.get(_slot(edition, blank))
        return kept if kept is not None and kept.line == blank.line else blank

    def key_for(self, edition: str, draft: Draft) -> str:
        """Return the idempotency key to send a draft with.

        A draft that was sent before without a receipt gets the same key again, so that it can't go on air twice.
        """
        before = self._unsettled.get(_slot(edition, draft))
        return before.request.key if before is not None and before.draft == draft else new_key()

    def unsettled_request(self, key: str) -> Send | None:
        """Return the request that was sent with this key and is not settled, or None."""
        return next((sent for sent in self._unsettled.values() if sent.request.key == key), None)

    def settle(self, sent: Send, receipt: Receipt) -> bool:
        """Record the receipt of a request. Return True if its draft need not be kept: it is on air or held."""
        if sent.draft is None:
            return False
        slot = _slot(sent.edition, sent.draft)
        if receipt.status in UNSETTLED:
            self._unsettled[slot] = sent
            return False
        self._unsettled.pop(slot, None)
        if receipt.status is ReceiptStatus.REFUSED:
            return False
        if self._drafts.get(slot) == sent.draft:
            del self._drafts[slot]
        return True


def _slot(edition: str, draft: Draft) -> DraftSlot:
    return (edition, draft.change, None if draft.line is None else draft.line.id)


def _remember(remembered: dict[Key, Value], key: Key, value: Value, most: int = REMEMBERED_MAX) -> None:
    remembered[key] = value
    while len(remembered) > most:
        remembered.pop(next(iter(remembered)))
