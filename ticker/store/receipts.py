"""Receipts: the streams in which the desk answers each editor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from ticker.core.errors import StoreError, SubmissionError
from ticker.core.submission import Receipt, ReceiptStatus, decode_receipt
from ticker.store.direct import DirectRedis
from ticker.store.keys import Keys
from ticker.store.streams import START, StreamEntry, read_last, read_range, read_streams, redis_ms
from ticker.store.timeouts import BLOCK_MS

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

RECEIPTS_PAGE: Final = 200
FIRST_BLOCK_MS: Final = 250
"""A desk usually answers within milliseconds. Until this has passed, reading Redis's clock isn't worth a round trip."""


class StoredReceipt(msgspec.Struct, frozen=True):
    """A receipt in its stream.

    Attributes:
        id: The receipt's own id.
        submission: The id of the submission in the inbox.
        deadline_at_ms: The submission's deadline by Redis's clock, if it had one.
        data: The receipt as JSON.
        receipt: The receipt.

    """

    id: str
    submission: str
    deadline_at_ms: int | None
    data: bytes
    receipt: Receipt


async def last_receipt_id(redis: AnyRedis, edition: str, editor: str) -> str:
    """Return the id of the editor's newest receipt. Read it before submitting, to wait for the receipts after it."""
    newest = await read_last(redis, Keys(edition).receipts(editor))
    return START if newest is None else newest[0]


async def read_receipts(
    redis: AnyRedis, edition: str, editor: str, after: str = START, count: int = RECEIPTS_PAGE
) -> list[StoredReceipt]:
    """Return at most `count` of the editor's receipts after id `after`, oldest first. Old receipts are trimmed.

    Raises:
        StoreError: If this version can't read one of them.

    """
    found = await read_range(redis, Keys(edition).receipts(editor), first=f"({after}", count=count)
    return [parse_receipt(entry) for entry in found]


async def walk_receipts(redis: AnyRedis, edition: str, editor: str, after: str = START) -> AsyncIterator[StoredReceipt]:
    """Yield all of the editor's receipts after id `after`, oldest first, including those that are added meanwhile.

    Raises:
        StoreError: If this version can't read one of them.

    """
    while page := await read_receipts(redis, edition, editor, after):
        for stored in page:
            yield stored
        after = page[-1].id


async def await_receipt(
    blocking_redis: AnyRedis,
    edition: str,
    editor: str,
    *,
    key: str,
    after: str,
    deadline_at_ms: int,
    submission: str | None = None,
) -> StoredReceipt | None:
    """Wait for the receipt with idempotency key `key`, among those after id `after`.

    `submission` is the submission's id in the inbox, if known. A receipt that doesn't use up its key (`late`, or a
    temporary refusal) may belong to an earlier submission with the same key, while this one is still published. If the
    ids don't settle that, such a receipt is returned only after the deadline.

    Return None once Redis's clock has passed `deadline_at_ms` without a receipt. If that is the submission's deadline
    (see `ticker.store.inbox.deadline_at_ms`), it can't be published any more. The desk may apply an earlier deadline
    (`submission_deadline_s`), but never a later one.

    A receipt of something on air, or held, is returned only when it is safe from the loss of its server.

    Connection errors are redis-py's. After one, the outcome is open: call this again, or submit again with the same
    key.

    Raises:
        NotReplicatedError: If the receipt may be lost (see `ticker.store.replicated`). It is a connection error.
        StoreError: If this version can't read a receipt.

    """
    wait = _Wait(blocking_redis, Keys(edition).receipts(editor), deadline_at_ms)
    open_key: StoredReceipt | None = None  # the newest receipt that leaves the key open for another submission
    while True:
        found = await wait.read(after)
        for entry in found:
            stored = parse_receipt(entry)
            if stored.receipt.key == key:
                if stored.receipt.uses_up_key or stored.submission == submission:
                    if await is_safe_from_loss(blocking_redis, edition, editor, stored):
                        return stored
                    break  # another server has replaced the one with this receipt, and may get another one
                open_key = stored
            after = stored.id
        if wait.is_over and not found:
            return open_key


class _Wait:
    """Reads a stream until a deadline on Redis's clock. `is_over` is true after a read that came after it."""

    def __init__(self, blocking_redis: AnyRedis, stream: str, deadline_at_ms: int) -> None:
        self._redis = blocking_redis
        self._stream = stream
        self._deadline_at_ms = deadline_at_ms
        self._block_ms = FIRST_BLOCK_MS
        self.is_over = False

    async def read(self, after: str) -> Sequence[StreamEntry]:
        """Wait for entries after id `after`, for a second at most, and return them."""
        self.is_over = False
        found = await read_streams(self._redis, {self._stream: after}, count=RECEIPTS_PAGE, block_ms=self._block_ms)
        if not found:
            # Read once more after reading the clock: everything settled before the deadline is there by then.
            left_ms = self._deadline_at_ms - await redis_ms(self._redis)
            self.is_over = left_ms < 0
            self._block_ms = max(1, min(BLOCK_MS, left_ms + 1))
            if self.is_over:
                found = await read_streams(self._redis, {self._stream: after}, count=RECEIPTS_PAGE)
        return found.get(self._stream, ())


async def is_safe_from_loss(redis: AnyRedis, edition: str, editor: str, stored: StoredReceipt) -> bool:
    """Wait until a receipt is safe from the loss of its server. Return False if the server doesn't have it any more.

    Return True immediately for a refusal: if it is lost, nothing is on air. Also return True without Sentinel: no
    server can replace the one that a `DirectRedis` is connected to.

    Raises:
        NotReplicatedError: As `ticker.store.replicated.is_replicated`.

    """
    if isinstance(redis, DirectRedis) or stored.receipt.status not in (ReceiptStatus.ON_AIR, ReceiptStatus.HELD):
        return True
    from ticker.store.replicated import is_replicated  # noqa: PLC0415 -- only Sentinel needs it, and redis-py

    return await is_replicated(redis, Keys(edition).receipts(editor), stored.id)


def parse_receipt(entry: StreamEntry) -> StoredReceipt:
    """Decode an entry of a receipts stream.

    Raises:
        StoreError: If this version can't read it.

    """
    stream_id, fields = entry
    data, until = fields.get(b"receipt", b""), fields.get(b"until", b"")
    try:
        receipt = decode_receipt(data)
    except SubmissionError as error:
        raise StoreError(f"this version can't read receipt {stream_id}: {error}") from error
    return StoredReceipt(
        stream_id, fields.get(b"submission", b"").decode(), int(until) if until.isdigit() else None, data, receipt
    )
