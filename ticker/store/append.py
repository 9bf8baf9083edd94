"""Append to the log: settle requests exactly once, each in one atomic step (`append.lua`). Only the desk does this."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from hashlib import sha1
from typing import Final, cast

import msgspec
from redis.exceptions import NoScriptError

from ticker.store.connection import Redis
from ticker.store.keys import keys_of
from ticker.store.scripts import script

AHEAD_MS: Final = 5_000
"""How far an inbox's id may be ahead of Redis's clock: after a step of the clock, or a failover to another server.

An id further ahead was chosen by the client, or the clock was set back by much: the submission's age is unknown."""

BATCH_MAX: Final = 64
"""Submissions per script call. Other clients of the server wait for about a millisecond."""


class Head(msgspec.Struct, frozen=True):
    """The log's last entry: its number and its full link. For an empty log, 0 and the nonce."""

    seq: int
    link: str


class NewEntry(msgspec.Struct, frozen=True):
    """An entry to append: its bytes, and its link, computed from them and the link before.

    `trim_through` is the seq of the newest entry that is removed from the log in the same step, if any.
    """

    data: bytes
    link: str
    trim_through: int | None = None


class HeldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a held item.

    Attributes:
        id: The item's id.
        before: Its stored bytes before the change; empty for a new item.
        after: Its bytes after the change; empty if it is removed.
        author: The editor who submitted it.
        receipt: The author's receipt; empty if the settlement's own receipt goes to the author.
        not_before_ms: The earliest time of the change by Redis's clock. None for no limit.

    """

    id: str
    before: bytes
    after: bytes
    author: str
    receipt: bytes = b""
    not_before_ms: int | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one request, or of a held item that is due, as it is to be stored.

    Attributes:
        editor: The editor who sent the request.
        cursor: The id of this editor's request that was settled before it.
        submission: The request's id in the inbox. Empty for a held item that is due: it is in no inbox, so only its
            author gets a receipt.
        receipt: The receipt as JSON.
        entry: The entry to append, if any.
        held: The change of a held item, if any.
        deadline_at_ms: The latest time by Redis's clock to append the entry or to store the held item. Otherwise it is
            only stored with the receipt.
        is_ahead: Whether the server has reported that the id is ahead of its clock. Such a request makes no entry.

    """

    editor: str
    cursor: str
    submission: str
    receipt: bytes
    entry: NewEntry | None = None
    held: HeldChange | None = None
    deadline_at_ms: int | None = None
    is_ahead: bool = False


class Stop(StrEnum):
    """Why an append ended."""

    DONE = "done"
    MOVED = "moved"  # the log, a cursor or a held item has changed: read them again
    LATE = "late"  # the next submission's deadline has passed
    EARLY = "early"  # the next held item isn't due yet by Redis's clock
    AHEAD = "ahead"  # the next submission's id is too far ahead of Redis's clock


class Appended(msgspec.Struct, frozen=True):
    """The result of a batch: its first `settled` items were stored, the rest not. `redis_ms` is Redis's clock."""

    settled: int
    stop: Stop
    redis_ms: int


async def append(
    redis: Redis, edition: str, head: Head | None, batch: Sequence[Settlement], receipts_retained: int
) -> Appended:
    """Settle a batch in order, and stop at the first item that can't be settled. One round trip.

    With `head` None the script doesn't check the log; the batch must not contain entries then.

    After an error, any number of items may have been settled: read head, cursors and receipts again, and continue from
    there. Nothing is settled twice, because each settlement requires the cursor and the head that come before it.
    """
    assert head is not None or all(settlement.entry is None for settlement in batch)
    keys = keys_of(edition)
    names = [keys.edition, keys.log, keys.cursors, keys.held]
    arguments: list[str | bytes] = ["", ""] if head is None else [str(head.seq), head.link]
    arguments += [str(receipts_retained), str(AHEAD_MS)]
    for settlement in batch:
        author = settlement.editor if settlement.held is None else settlement.held.author
        names += [keys.inbox(settlement.editor), keys.receipts(settlement.editor), keys.receipts(author)]
        arguments += _arguments(settlement)
    settled, stop, redis_ms = await _run(redis, names, arguments)
    return Appended(settled, Stop(stop.decode()), redis_ms)


def _arguments(settlement: Settlement) -> list[str | bytes]:
    entry, held = settlement.entry, settlement.held
    not_before_ms = None if held is None else held.not_before_ms
    return [
        settlement.editor,
        settlement.cursor,
        settlement.submission,
        "" if settlement.deadline_at_ms is None else str(settlement.deadline_at_ms),
        b"" if entry is None else entry.data,
        "" if entry is None else entry.link,
        "" if entry is None or entry.trim_through is None else f"{entry.trim_through + 1}-0",
        settlement.receipt,
        "1" if settlement.is_ahead else "",
        "" if held is None else held.id,
        b"" if held is None else held.before,
        b"" if held is None else held.after,
        "" if not_before_ms is None else str(not_before_ms),
        b"" if held is None else held.receipt,
    ]


async def _run(redis: Redis, names: list[str], arguments: list[str | bytes]) -> tuple[int, bytes, int]:
    values = cast("list[str]", [*names, *arguments])
    try:
        reply = await redis.evalsha(_digest(), len(names), *values)
    except NoScriptError:  # the server was restarted or has taken over: the script did not run
        reply = await redis.eval(script("append"), len(names), *values)
    return cast("tuple[int, bytes, int]", tuple(reply))


@cache
def _digest() -> str:
    # Not for security: Redis names scripts by their SHA-1.
    return sha1(script("append").encode(), usedforsecurity=False).hexdigest()
