"""A log in an embedded server."""

from __future__ import annotations

from contextlib import aclosing

import redis
import redis.asyncio

from ticker.store.connection import connect

LOG = "ticker:{en}:log"


async def append(url: str, count: int = 1) -> int:
    """Append entries, and return the length of the log."""
    async with aclosing(connect(url, role="desk")) as client:
        for _ in range(count):
            await client.xadd(LOG, {"entry": "{}"})
        return int(await client.xlen(LOG))


async def length(url: str) -> int:
    return await append(url, 0)


async def answers(url: str) -> bool:
    try:
        await length(url)
    except redis.RedisError:
        return False
    return True
