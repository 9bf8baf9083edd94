"""Requests on their way, and which of their receipts were told: each once."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar

from publisher_cli.submit.undo_window import is_window
from publisher_cli.tui.outbox import Sent
from ticker.core.submission import Receipt, ReceiptStatus, Submission

KEPT: Final = 500

Key = TypeVar("Key")
Value = TypeVar("Value")


class Mail:
    """What is under way, by its key; what is held, by its id, so that its words can come back."""

    def __init__(self) -> None:
        self.under_way: dict[str, Sent] = {}
        self._held: dict[str, Sent] = {}
        self._told: dict[tuple[str, ReceiptStatus], None] = {}
        self._undoable: tuple[str, datetime] | None = None

    @property
    def is_writing(self) -> bool:
        """Whether something from the compose line is under way."""
        return any(sent.draft is not None for sent in self.under_way.values())

    def waited_s(self, now: datetime) -> float:
        """How long the oldest is under way."""
        return max(((now - sent.at).total_seconds() for sent in self.under_way.values()), default=0.0)

    def held(self, held_id: str | None) -> Sent | None:
        """What was sent that is, or was, held under this id."""
        return None if held_id is None else self._held.get(held_id)

    def keep(self, sent: Sent, receipt: Receipt) -> None:
        """Remember what is held, and how long it can be taken back unseen."""
        if receipt.status is not ReceiptStatus.HELD or receipt.held is None:
            return
        _put(self._held, receipt.held, sent)
        if receipt.due_at is not None and isinstance(sent.request, Submission) and is_window(receipt, sent.request):
            self._undoable = (receipt.held, receipt.due_at)

    def undoable(self, now: datetime) -> tuple[str, float] | None:
        """What can be taken back unseen: its id, and for how many seconds more."""
        if self._undoable is None or self._undoable[1] <= now:
            return None
        return self._undoable[0], (self._undoable[1] - now).total_seconds()

    def was_told(self, receipt: Receipt) -> bool:
        return (receipt.key, receipt.status) in self._told

    def tell(self, receipt: Receipt) -> None:
        """A receipt is being shown."""
        _put(self._told, (receipt.key, receipt.status), None)
        if (
            self._undoable is not None
            and receipt.held == self._undoable[0]
            and receipt.status is not ReceiptStatus.HELD
        ):
            self._undoable = None


def _put(kept: dict[Key, Value], key: Key, value: Value) -> None:
    kept[key] = value
    while len(kept) > KEPT:
        kept.pop(next(iter(kept)))
