"""Ask the Sentinels whether a server is still the primary.

A network that is cut in two can leave the old primary with a desk on one side, while the Sentinels promote a replica on
the other. Lines that the old primary accepts from then on are lost when the network is whole again, because it becomes
a replica of the new one. So a desk publishes only while a majority of the Sentinels confirms its primary.

A Cluster needs none of this: a primary without a majority of the primaries refuses writes (`cluster-node-timeout`).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, cast

import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool

from ticker.store.connection import CLIENT_ERRORS, Redis

ASK_S: Final = 1.0
"""How long to wait for a majority of the Sentinels. It is shorter than `down-after-milliseconds` should be."""


class NotPrimaryError(redis.ConnectionError):
    """The Sentinels don't confirm that the server is the primary."""


async def confirm_primary(client: Redis, *others: Redis) -> None:
    """Return if a majority of the Sentinels in the URL names the server of `client` as the primary.

    Return immediately if `client` doesn't use Sentinel. Otherwise this takes one round trip, and at most `ASK_S`.

    Raises:
        NotPrimaryError: If the majority names another server, or too few Sentinels answer. The connections of all
            these clients are then closed, so that their next commands ask the Sentinels for the primary.

    """
    pool = None if isinstance(client, redis.asyncio.RedisCluster) else client.connection_pool
    if not isinstance(pool, SentinelConnectionPool) or pool.master_address is None:
        return
    host, port = pool.master_address
    sentinels = list(pool.sentinel_manager.sentinels)
    needed = len(sentinels) // 2 + 1
    votes = await _count_votes(sentinels, pool.service_name, (str(host), int(port)), needed)
    if votes < needed:
        for each in (client, *others):
            if not isinstance(each, redis.asyncio.RedisCluster):
                await each.connection_pool.disconnect()
        raise NotPrimaryError(
            f"{votes} of {len(sentinels)} Sentinels confirm that {host}:{port} is the primary, and {needed} must"
        )


async def _count_votes(sentinels: list[redis.asyncio.Redis], service: str, server: tuple[str, int], needed: int) -> int:
    """Return how many Sentinels name this server. Stop when they are enough: one that is away must delay nothing."""
    asking = {asyncio.create_task(_is_named(sentinel, service, server)) for sentinel in sentinels}
    votes = 0
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_S):
                for answer in asyncio.as_completed(asking):
                    votes += await answer
                    if votes >= needed:
                        break
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return votes


async def _is_named(sentinel: redis.asyncio.Redis, service: str, server: tuple[str, int]) -> bool:
    try:
        # The command with which redis-py finds the primary: a user of the Sentinels may lack the right to others.
        masters = cast("dict[str, dict[str, str | int]]", await sentinel.sentinel_masters())
    except (OSError, *CLIENT_ERRORS):
        return False
    state = masters.get(service)
    return state is not None and (str(state["ip"]), int(state["port"])) == server
