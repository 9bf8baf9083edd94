"""Inboxes and receipts: what editors ask for, and what the desk answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final, cast

import msgspec

from ticker.core.edition import Role, is_name
from ticker.core.errors import StoreError, SubmissionError
from ticker.core.submission import Receipt, ReceiptStatus, Request, decode_receipt, encode_request
from ticker.store.connection import BLOCK_MS, Redis
from ticker.store.keys import Keys
from ticker.store.streams import START, StreamEntry, milliseconds_of, read_last, read_range, read_streams, redis_ms

RECEIPTS_PAGE: Final = 200
FIRST_BLOCK_MS: Final = 250
"""A desk answers within milliseconds: only when it doesn't is a look at Redis's clock worth a round trip."""


class StoredReceipt(msgspec.Struct, frozen=True):
    """A receipt in its stream.

    `id` is its own id, `submission` that of the submission in the inbox; `deadline_at_ms` is its deadline by
    Redis's clock, where it had one.
    """

    id: str
    submission: str
    deadline_at_ms: int | None
    data: bytes
    receipt: Receipt


async def register(redis: Redis, edition: str, editor: str) -> bool:
    """Have the desk read an editor's inbox from now on; True if it didn't before. A role that was given stays.

    It is woken by the bell, and looks by itself every few seconds, in case the caller dies between the two steps.
    """
    keys = Keys(edition)
    # An editor's own user may look, and no more: a denied command at each post would bury those in Redis's ACL LOG
    # that mean something.
    if await cast("Awaitable[Any]", redis.hexists(keys.editors, editor)):
        return False
    is_new = bool(await cast("Awaitable[Any]", redis.hsetnx(keys.editors, editor, "")))
    if is_new:
        await _ring(redis, keys, editor)
    return is_new


async def unregister(redis: Redis, edition: str, editor: str) -> bool:
    """Have the desk read an editor's inbox no more, and throw away what waits in it; False if it wasn't read.

    What the desk has in its hands at this moment may still go on air. Receipts stay.
    """
    keys = Keys(edition)
    was_known = bool(await cast("Awaitable[Any]", redis.hdel(keys.editors, editor)))
    await cast("Awaitable[Any]", redis.delete(keys.inbox(editor)))
    if was_known:
        await _ring(redis, keys, editor)
    return was_known


async def _ring(redis: Redis, keys: Keys, editor: str) -> None:
    await cast("Awaitable[Any]", redis.xadd(keys.bell, {"editor": editor}, maxlen=1, approximate=False))


async def set_role(redis: Redis, edition: str, editor: str, role: Role | None) -> None:
    """Register an editor with a role (None: the edition's default), or give another one."""
    keys = Keys(edition)
    await cast("Awaitable[Any]", redis.hset(keys.editors, editor, "" if role is None else str(role)))
    await _ring(redis, keys, editor)


async def roles(redis: Redis, edition: str) -> dict[str, Role | None]:
    """The editors whose inboxes the desk reads, by name, each with the role that was given (None: the default).

    A role that this version doesn't know is the least one. What can't stand in a key is left out.
    """
    found = await cast("Awaitable[Any]", redis.hgetall(Keys(edition).editors))
    named = sorted((raw.decode(errors="replace"), role.decode(errors="replace")) for raw, role in found.items())
    return {name: _role(role) for name, role in named if is_name(name)}


async def role_of(redis: Redis, edition: str, editor: str) -> Role | None:
    """The role that an editor was given (None: the default); an editor's own user may ask this."""
    (role,) = await cast("Awaitable[Any]", redis.hmget(Keys(edition).editors, [editor]))
    return None if role is None else _role(role.decode(errors="replace"))


def _role(text: str) -> Role | None:
    if not text:
        return None
    try:
        return Role(text)
    except ValueError:
        return Role.REPORTER


async def submit(redis: Redis, edition: str, editor: str, request: Request) -> str:
    """Put a submission or a ruling into the editor's inbox; its id there.

    Sent once. After a lost connection or a timeout it is open whether it got there: submit again with the same key and
    get the receipt of the first. The editor must be registered, or nobody looks.
    """
    fields: Any = {"submission": encode_request(request)}
    stream_id = await cast("Awaitable[Any]", redis.xadd(Keys(edition).inbox(editor), fields))
    return cast("str", stream_id.decode())


async def last_receipt_id(redis: Redis, edition: str, editor: str) -> str:
    """The id of the editor's newest receipt: read it before submitting, to await what follows."""
    newest = await read_last(redis, Keys(edition).receipts(editor))
    return START if newest is None else newest[0]


async def read_receipts(
    redis: Redis, edition: str, editor: str, after: str = START, count: int = RECEIPTS_PAGE
) -> list[StoredReceipt]:
    """The editor's receipts after id `after`, oldest first, at most `count`; those long ago are trimmed.

    Raises:
        StoreError: If one can't be read by this version.

    """
    found = await read_range(redis, Keys(edition).receipts(editor), first=f"({after}", count=count)
    return [parse_receipt(entry) for entry in found]


async def walk_receipts(redis: Redis, edition: str, editor: str, after: str = START) -> AsyncIterator[StoredReceipt]:
    """All of the editor's receipts after id `after`, oldest first, also those that are given meanwhile.

    Raises:
        StoreError: As `read_receipts`.

    """
    while page := await read_receipts(redis, edition, editor, after):
        for stored in page:
            yield stored
        after = page[-1].id


def deadline_at_ms(submission_id: str, deadline_s: float) -> int:
    """The deadline by Redis's clock of a submission with this id in its inbox."""
    return milliseconds_of(submission_id) + max(0, int(deadline_s * 1000))


async def await_receipt(
    blocking_redis: Redis,
    edition: str,
    editor: str,
    *,
    key: str,
    after: str,
    deadline_at_ms: int,
    submission: str | None = None,
) -> StoredReceipt | None:
    """Wait for the receipt of the submission with `key`, among those after id `after`.

    `submission` is its id in the inbox, where that is known. A receipt that says late may be that of one before it
    with the same key, and this one still come on air: where the ids don't say, it is taken only once the time is over.

    None means that Redis's clock has passed `deadline_at_ms` without one: if that is the submission's deadline (see
    the function of that name), it can't come on air any more. The desk may take an earlier deadline than the one asked
    for (`submission_deadline_s`), never a later one.

    Errors of the connection are redis-py's: then it is open what became of the submission. Await again, or submit again
    with the same key.

    Raises:
        StoreError: If a receipt can't be read by this version.

    """
    stream, block_ms = Keys(edition).receipts(editor), FIRST_BLOCK_MS
    late: StoredReceipt | None = None
    while True:
        is_over = False
        found = await read_streams(blocking_redis, {stream: after}, count=RECEIPTS_PAGE, block_ms=block_ms)
        if not found:
            # One last look after the clock was read: what was settled before the deadline is there by then.
            left_ms = deadline_at_ms - await redis_ms(blocking_redis)
            is_over = left_ms < 0
            block_ms = max(1, min(BLOCK_MS, left_ms + 1))
            if is_over:
                found = await read_streams(blocking_redis, {stream: after}, count=RECEIPTS_PAGE)
        for entry in found.get(stream, ()):
            stored = parse_receipt(entry)
            if stored.receipt.key == key:
                if stored.receipt.status is not ReceiptStatus.LATE or stored.submission == submission:
                    return stored
                late = stored
            after = stored.id
        if is_over and not found:
            return late


def parse_receipt(entry: StreamEntry) -> StoredReceipt:
    """Read an entry of a stream of receipts.

    Raises:
        StoreError: If it can't be read by this version.

    """
    stream_id, fields = entry
    data, until = fields.get(b"receipt", b""), fields.get(b"until", b"")
    try:
        receipt = decode_receipt(data)
    except SubmissionError as error:
        raise StoreError(f"receipt {stream_id} can't be read by this version: {error}") from error
    return StoredReceipt(
        stream_id, fields.get(b"submission", b"").decode(), int(until) if until.isdigit() else None, data, receipt
    )
