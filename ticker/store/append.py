"""The log's one writer: settles submissions exactly once, each in one atomic step (`append.lua`)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from hashlib import sha1
from typing import Final, cast

import msgspec
from redis.exceptions import NoScriptError

from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.scripts import script

AHEAD_MS: Final = 5_000
"""By how much an inbox's id may be ahead of Redis's clock: a step of the clock, or a failover to a server with another.

More than that was forged, or comes after a long step back: nobody can tell when such a submission was made."""

BATCH_MAX: Final = 64
"""Submissions a script call: other clients of the server wait for about a millisecond."""


class Head(msgspec.Struct, frozen=True):
    """The log's last entry: its number and its whole link. An empty log has 0 and the nonce."""

    seq: int
    link: str


class NewEntry(msgspec.Struct, frozen=True):
    """An entry to append: its bytes, and the link that they make with the entry before."""

    data: bytes
    link: str


class HeldChange(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of something held: its bytes `before` and `after`, each empty for nothing.

    `author` has a `receipt` of its own, where that isn't who gets the settlement's. Nothing of it happens before
    `not_before_ms` (Redis's clock).
    """

    id: str
    before: bytes
    after: bytes
    author: str
    receipt: bytes = b""
    not_before_ms: int | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one request, or of something held whose time has come.

    `cursor` is the id of the request of this editor that was taken before it, `submission` its own; empty for what is
    held, which no inbox has: then only the author gets a receipt. With an `entry`, or put on hold, it must not be later
    than `deadline_at_ms` (Redis's clock); else it is only kept with the receipt. `is_ahead` is set once the server
    has said that the id is ahead of its clock; such a request makes no entry.
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
    MOVED = "moved"  # the log or a cursor is not where it was expected: read them again
    LATE = "late"  # the next submission's deadline has passed
    EARLY = "early"  # what is held next isn't due yet by Redis's clock
    AHEAD = "ahead"  # the next submission's id is ahead of Redis's clock


class Appended(msgspec.Struct, frozen=True):
    """The first `settled` of the batch were settled, and nothing was done of the rest; `redis_ms` is Redis's clock."""

    settled: int
    stop: Stop
    redis_ms: int


async def append(
    redis: Redis, edition: str, head: Head | None, batch: Sequence[Settlement], retained: int, receipts_retained: int
) -> Appended:
    """Settle a batch in order, as far as it goes. One round trip.

    `head` None leaves the log out of it: only for a batch without entries.

    After any error it is open how much was done: read head, cursors and receipts again, and go on from there. Doing so
    settles nothing twice, because each settlement holds only where the cursor and the head are those before it.
    """
    assert head is not None or all(settlement.entry is None for settlement in batch)
    keys = Keys(edition)
    names = [keys.edition, keys.log, keys.cursors, keys.held]
    arguments: list[str | bytes] = ["", ""] if head is None else [str(head.seq), head.link]
    arguments += [str(retained), str(receipts_retained), str(AHEAD_MS)]
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
    except NoScriptError:  # a server that was restarted or took over: nothing was done
        reply = await redis.eval(script("append"), len(names), *values)
    return cast("tuple[int, bytes, int]", tuple(reply))


@cache
def _digest() -> str:
    # Not for security: it is the name that Redis gives a script.
    return sha1(script("append").encode(), usedforsecurity=False).hexdigest()
