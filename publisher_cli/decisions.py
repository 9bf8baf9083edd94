"""Recent decisions of colleagues about an editor's own held items, from the editor's receipts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.connection import Redis
from ticker.store.receipts import StoredReceipt, walk_receipts
from ticker.store.streams import milliseconds_of

LATELY: Final = timedelta(hours=12)
"""How long a decision is shown: a whole shift."""

_WORDS: Final = {
    ReceiptStatus.ON_AIR: "approved",
    ReceiptStatus.HELD: "approved",  # and waits for its time
    ReceiptStatus.REFUSED: "refused",  # approved, but the rules didn't allow it any more
}


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of a colleague. `id` is the id of the receipt. `text` is None for a change without a text."""

    id: str
    at: datetime
    held: str
    action: str | None
    text: str | None
    decision: str
    decided_by: str
    reason: str | None


def decisions_of_others(receipts: Iterable[StoredReceipt], editor: str) -> list[Decided]:
    """Return the decisions about the editor's own held items that somebody else made."""
    return [
        Decided(
            id=stored.id,
            at=datetime.fromtimestamp(milliseconds_of(stored.id) / 1000, UTC),
            held=receipt.held,
            action=receipt.action,
            text=receipt.text,
            decision=_word(receipt),
            decided_by=receipt.decided_by,
            reason=receipt.reason or "; ".join(error.detail for error in receipt.errors) or None,
        )
        for stored in receipts
        if (receipt := stored.receipt).held is not None and receipt.decided_by not in (None, editor)
    ]


def _word(receipt: Receipt) -> str:
    return _WORDS.get(receipt.status) or ("cancelled" if receipt.reason is None else "rejected")


async def load_decisions(redis: Redis, edition: str, editor: str, now: datetime) -> list[Decided]:
    """Return the decisions of the last hours, the oldest first."""
    after = f"{int((now - LATELY).timestamp() * 1000)}-0"
    return decisions_of_others([stored async for stored in walk_receipts(redis, edition, editor, after)], editor)
