"""Read streams. The functions return the same types for every client and protocol version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ticker.store.replies import as_text

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

Fields: TypeAlias = Mapping[bytes, bytes]
StreamEntry: TypeAlias = tuple[str, Fields]
"""An id, `<milliseconds>-<number>`, and the fields."""

START: Final = "0-0"
"""Before every entry of a stream."""


async def read_streams(
    redis: AnyRedis, after: Mapping[str, str], *, count: int, block_ms: int | None = None
) -> dict[str, list[StreamEntry]]:
    """Return the entries after the given ids: at most `count` per stream, and only streams that have some.

    Waits up to `block_ms` for the first entry, or not at all if it is None. Use a client of its own for blocking calls.
    """
    streams: dict[Any, Any] = dict(after)
    reply: Any = await redis.xread(streams, count=count, block=block_ms)
    return {as_text(key): _entries(entries) for key, entries in reply}


async def read_range(
    redis: AnyRedis, key: str, *, first: str = "-", last: str = "+", count: int | None = None
) -> list[StreamEntry]:
    """Return the entries from id `first` to `last`, oldest first. A `(` before an id excludes it."""
    return _entries(await redis.xrange(key, first, last, count))


async def read_newest(redis: AnyRedis, key: str, count: int) -> list[StreamEntry]:
    """Return the last `count` entries, newest first."""
    return _entries(await redis.xrevrange(key, count=count))


async def read_last(redis: AnyRedis, key: str) -> StreamEntry | None:
    """Return the newest entry, or None if the stream is empty."""
    entries = await read_newest(redis, key, 1)
    return entries[0] if entries else None


async def redis_ms(redis: AnyRedis) -> int:
    """Return the time of Redis's clock in milliseconds since 1970. Deadlines are measured by this clock."""
    seconds, microseconds = await redis.time()
    return seconds * 1000 + microseconds // 1000


def milliseconds_of(stream_id: str) -> int:
    """Return the time in an entry's id: when it was added by Redis's clock, unless its author chose the id."""
    return int(stream_id.partition("-")[0])


def seq_of(stream_id: str) -> int:
    """Return the number of a log entry from its id, `<seq>-0`."""
    return int(stream_id.partition("-")[0])


def _entries(reply: Any) -> list[StreamEntry]:
    return [(as_text(stream_id), fields) for stream_id, fields in reply or ()]
