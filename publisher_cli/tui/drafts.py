"""What editors have typed and not sent, and what was sent and never heard of: nothing of it is lost."""

from __future__ import annotations

from publisher_cli.submit.request import new_key
from publisher_cli.tui.draft import Draft
from publisher_cli.tui.outbox import Sent
from ticker.core.line import Change
from ticker.core.submission import Receipt, ReceiptStatus

Slot = tuple[str, Change, str | None]
"""Where a draft is kept: in which edition, of which change, of which line."""

NOT_SETTLED = frozenset({ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR})


def slot_of(edition: str, draft: Draft) -> Slot:
    return (edition, draft.change, None if draft.line is None else draft.line.id)


class Drafts:
    """One draft for each edition's new line, and one for each change of a line."""

    def __init__(self) -> None:
        self._drafts: dict[Slot, Draft] = {}
        self._unsettled: dict[Slot, Sent] = {}

    @property
    def unsettled(self) -> list[Sent]:
        """What was handed in, and is not on air as far as anybody has said."""
        return list(self._unsettled.values())

    def stash(self, edition: str, draft: Draft) -> None:
        """Keep a draft for when its editor comes back to it."""
        if draft.is_blank:
            self._drafts.pop(slot_of(edition, draft), None)
        else:
            self._drafts[slot_of(edition, draft)] = draft

    def recall(self, edition: str, fresh: Draft) -> Draft:
        """What was typed in place of `fresh` before, unless it is of a version that is no longer the latest."""
        kept = self._drafts.get(slot_of(edition, fresh))
        return kept if kept is not None and kept.line == fresh.line else fresh

    def key_for(self, edition: str, draft: Draft) -> str:
        """A key to send it with: once more the same, for the very same words after nobody answered.

        Whatever became of the first, they can't become a second line.
        """
        before = self._unsettled.get(slot_of(edition, draft))
        return before.request.key if before is not None and before.draft == draft else new_key()

    def sent_with(self, key: str) -> Sent | None:
        """What was handed in with this key, and is not settled."""
        return next((sent for sent in self._unsettled.values() if sent.request.key == key), None)

    def settle(self, sent: Sent, receipt: Receipt) -> bool:
        """Take in a receipt; True where the words need not be kept: they are on air or held."""
        if sent.draft is None:
            return False
        slot = slot_of(sent.edition, sent.draft)
        if receipt.status in NOT_SETTLED:
            self._unsettled[slot] = sent
            return False
        self._unsettled.pop(slot, None)
        if receipt.status is ReceiptStatus.REFUSED:
            return False
        if self._drafts.get(slot) == sent.draft:
            del self._drafts[slot]
        return True
