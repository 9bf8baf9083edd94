"""Reading streams, in one shape whatever the client and its protocol make of the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeAlias, cast

from ticker.store.connection import Redis

Fields: TypeAlias = Mapping[bytes, bytes]
StreamEntry: TypeAlias = tuple[str, Fields]
"""An id, `<milliseconds>-<number>`, and the fields."""

START: Final = "0-0"
"""Before every entry of a stream."""


async def read_streams(
    redis: Redis, after: Mapping[str, str], *, count: int, block_ms: int | None = None
) -> dict[str, list[StreamEntry]]:
    """What follows the given ids: at most `count` entries a stream, and only the streams that have some.

    Waits up to `block_ms` for the first of them; None doesn't wait. Blocking calls belong on a client of their own.
    """
    streams: dict[Any, Any] = dict(after)
    reply = await cast("Awaitable[Any]", redis.xread(streams, count=count, block=block_ms))
    return {key.decode(): _entries(entries) for key, entries in reply}


async def read_range(
    redis: Redis, key: str, *, first: str = "-", last: str = "+", count: int | None = None
) -> list[StreamEntry]:
    """The entries from id `first` to `last`, oldest first; an id after `(` is left out."""
    return _entries(await cast("Awaitable[Any]", redis.xrange(key, first, last, count)))


async def read_newest(redis: Redis, key: str, count: int) -> list[StreamEntry]:
    """The last `count` entries, newest first."""
    return _entries(await cast("Awaitable[Any]", redis.xrevrange(key, count=count)))


async def read_last(redis: Redis, key: str) -> StreamEntry | None:
    entries = await read_newest(redis, key, 1)
    return entries[0] if entries else None


async def redis_ms(redis: Redis) -> int:
    """Redis's clock, in milliseconds since 1970: the one that deadlines are measured by."""
    seconds, microseconds = await cast("Awaitable[Any]", redis.time())
    return int(seconds) * 1000 + int(microseconds) // 1000


def milliseconds_of(stream_id: str) -> int:
    """When an entry was added by Redis's clock, if its id wasn't forged."""
    return int(stream_id.partition("-")[0])


def _entries(reply: list[tuple[bytes, Fields]]) -> list[StreamEntry]:
    return [(stream_id.decode(), fields) for stream_id, fields in reply]
