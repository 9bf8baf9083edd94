"""Ask whether a receipt survives the loss of its server. Only servers behind Sentinels can be replaced like this.

A server acknowledges a write before its replica has it. If the server dies in between, or is cut off from the replica,
the Sentinels promote a replica without the write. So an editor learns of a receipt only after one of these:

- A replica has acknowledged it (`WAIT`). This costs one round trip of the server to its replica.
- No Sentinel knows a replica that could be promoted: the server works alone until one is back.
- A majority of the Sentinels has reached the server `LAG_S` after the receipt or later, and names it as the primary. So
  the server wasn't cut off from them, and its replica is slow or lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final, cast

import msgspec
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import NoPermissionError

from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.keys import REPLICATED
from ticker.store.primary import ASK_S, NotPrimaryError

WAIT_MS: Final = 200
"""How long to wait for a replica before the Sentinels are asked. A replica that works needs about a millisecond."""

LAG_S: Final = 0.5
"""By this time, a replica that isn't cut off has a receipt."""

HOLD_S: Final = 4.0
"""How long to go on asking. It is longer than `LAG_S` and two pings of the Sentinels (one per second)."""

_DOWN: Final = frozenset({"s_down", "o_down", "disconnected"})


class NotReplicatedError(NotPrimaryError):
    """A receipt may be lost: no replica has it, and the Sentinels may be promoting a replica."""


class View(msgspec.Struct, frozen=True):
    """A Sentinel's view of a server.

    Attributes:
        is_primary: Whether the Sentinel names it as the primary.
        seen_ms: The time since the server's last reply to the Sentinel.
        may_promote: Whether the Sentinel knows a replica that is up.

    """

    is_primary: bool
    seen_ms: int
    may_promote: bool


def is_safe(views: Collection[View], needed: int, elapsed_ms: float) -> bool:
    """Return whether a receipt that no replica has acknowledged is safe on its server.

    Args:
        views: Those of the Sentinels that have answered.
        needed: A majority of all Sentinels.
        elapsed_ms: The time from the reading of the receipt to the question.

    """
    naming = [view for view in views if view.is_primary]
    if len(naming) < needed:
        return False
    is_alone = not any(view.may_promote for view in views)
    seen_later = sum(view.seen_ms <= elapsed_ms - LAG_S * 1000 for view in naming)
    return is_alone or seen_later >= needed


async def is_replicated(client: Redis, stream: str, stored_id: str) -> bool:
    """Wait until the entry `stored_id` of a stream is safe. Return False if the server doesn't have it (any more).

    Return True immediately if `client` doesn't use Sentinel. Call this after the entry was read, with the same client.

    Raises:
        NotReplicatedError: If that takes longer than `HOLD_S`. The entry may still become safe, or be lost.

    """
    pool = None if isinstance(client, redis.asyncio.RedisCluster) else client.connection_pool
    if not isinstance(pool, SentinelConnectionPool) or isinstance(client, redis.asyncio.RedisCluster):
        return True
    loop = asyncio.get_running_loop()
    read_at = loop.time()
    while loop.time() < read_at + HOLD_S:
        is_there, acknowledged = await _wait_for_replica(client, stream, stored_id)
        if not is_there or acknowledged:
            return is_there
        if await _ask(pool, (loop.time() - read_at) * 1000):
            return True
    await pool.disconnect()  # the next command asks the Sentinels for the primary
    raise NotReplicatedError(f"no replica of {_address(pool)} has it, and the Sentinels don't confirm the primary")


async def _wait_for_replica(client: redis.asyncio.Redis, stream: str, stored_id: str) -> tuple[bool, bool]:
    """Return whether the server has an entry, and whether a replica has acknowledged it within `WAIT_MS`.

    All of it is about one server, because one connection carries it. WAIT refers to the connection's last write, so
    there must be one after the entry: a message to nobody, which replicas get and no file has.
    """
    pipeline = client.pipeline(transaction=False)
    for words in (("XRANGE", stream, stored_id, stored_id), ("PUBLISH", REPLICATED, ""), ("WAIT", 1, WAIT_MS)):
        pipeline.execute_command(*words)
    found, published, acknowledged = await pipeline.execute(raise_on_error=False)
    for reply in (found, published, acknowledged):
        # Users of earlier versions may not send the last two. Then the Sentinels alone decide.
        if isinstance(reply, Exception) and not (isinstance(reply, NoPermissionError) and reply is not found):
            raise reply
    if isinstance(published, Exception) or isinstance(acknowledged, Exception):
        await asyncio.sleep(WAIT_MS / 1000)
        return bool(found), False
    return bool(found), acknowledged >= 1


async def _ask(pool: SentinelConnectionPool, elapsed_ms: float) -> bool:
    """Ask all Sentinels, until those that have answered are enough."""
    sentinels: Sequence[redis.asyncio.Redis] = list(pool.sentinel_manager.sentinels)
    asking = {asyncio.create_task(_view(each, pool.service_name, _address(pool))) for each in sentinels}
    views: list[View] = []
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_S):
                for answer in asyncio.as_completed(asking):
                    view = await answer
                    views += [] if view is None else [view]
                    if is_safe(views, len(sentinels) // 2 + 1, elapsed_ms):
                        return True
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return False


async def _view(sentinel: redis.asyncio.Redis, service: str, server: str) -> View | None:
    """Return the view of a Sentinel, or None if it doesn't answer."""
    try:
        masters = cast("dict[str, dict[str, str | int]]", await sentinel.sentinel_masters())
        state = masters[service]
        replicas = await _replicas(sentinel, service)
    except (OSError, KeyError, *CLIENT_ERRORS):
        return None
    return View(
        is_primary=f"{state['ip']}:{state['port']}" == server,
        seen_ms=int(state["last-ok-ping-reply"]),
        may_promote=replicas is None or any(_DOWN.isdisjoint(flags) for flags in replicas),
    )


async def _replicas(sentinel: redis.asyncio.Redis, service: str) -> list[Collection[str]] | None:
    """Return the flags of each replica, or None without the right to ask for them."""
    try:
        found = await sentinel.sentinel_slaves(service)
    except NoPermissionError:
        return None
    return [each["flags"] for each in found]


def _address(pool: SentinelConnectionPool) -> str:
    host, port = pool.master_address or ("", "")
    return f"{host}:{port}"
