"""The bell of an edition, a stream of one entry. It rings when the editors change, or the log gets another history.

It wakes the desk, which otherwise waits for requests, and the gateways, which otherwise wait for entries of a log that
may be gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ticker.store.keys import Keys
from ticker.store.streams import START, read_last, read_streams

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis


async def ring(redis: AnyRedis, edition: str, editor: str) -> None:
    """Report a change of an editor. `rotate.lua` and `repair.lua` ring the bell themselves."""
    await redis.xadd(Keys(edition).bell, {"editor": editor}, maxlen=1, approximate=False)


async def last_ring(redis: Redis, edition: str) -> str:
    """Return the id of the last ring. Read it before that which may change, to notice every later ring."""
    rung = await read_last(redis, Keys(edition).bell)
    return START if rung is None else rung[0]


async def wait_for_ring(blocking_redis: Redis, edition: str, after: str, block_ms: int) -> None:
    """Wait until the bell rings again, for at most `block_ms`."""
    await read_streams(blocking_redis, {Keys(edition).bell: after}, count=1, block_ms=block_ms)
