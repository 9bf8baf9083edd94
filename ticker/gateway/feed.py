"""The feed: one edition's log, from Redis into its channel. Checks every link; never shows what doesn't link.

While Redis is gone the channel serves from memory; while the log doesn't verify it stays at its last good board. Either
way the hub's `troubles` say so, and the feed goes on by itself once the log is right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import structlog

from ticker.backoff import Backoff
from ticker.core.edition import is_name
from ticker.core.entry import Logged
from ticker.core.errors import LinkError, StoreError, TickerError
from ticker.core.log_window import LogWindow, Reset
from ticker.gateway.channel import Channel, Sent
from ticker.gateway.follower import Cursor
from ticker.gateway.hub import Hub
from ticker.store.connection import CLIENT_ERRORS, Redis, connect, is_cancelled
from ticker.store.editions import StoredEdition, edition_names, load_edition
from ticker.store.log_reader import check_entry, read_log, tail, walk_log
from ticker.store.reach import Report, report_reach

RETRY_S = 1.0
DISCOVER_S = 3.0
TROUBLES = (OSError, *CLIENT_ERRORS)

_logger = structlog.get_logger("ticker.gateway.feed")


class FirstLook:
    """What a feed says of its first look at its edition: it `is_over`, and whether the edition is `loaded` by then."""

    def __init__(self) -> None:
        self.loaded = asyncio.Event()
        self.is_over = asyncio.Event()


class Feed:
    """Follows one edition for as long as `run` runs."""

    def __init__(self, hub: Hub, url: str, chance: Callable[[], float]) -> None:
        self._hub = hub
        self._url = url
        self._chance = chance

    async def run(self, name: str, first_look: FirstLook) -> None:
        """Load the edition, then tail it, whatever happens to Redis meanwhile. Runs until cancelled."""
        backoff = Backoff(RETRY_S, RETRY_S, chance=self._chance)
        while not is_cancelled():
            try:
                async with AsyncExitStack() as stack:
                    redis = await self._open(stack, blocking=False)
                    blocking = await self._open(stack, blocking=True)
                    await self._follow(name, redis, blocking, first_look)
            except LinkError as error:
                self._is_troubled(name, str(error), seq=error.seq)
                first_look.is_over.set()
            except TickerError as error:
                self._is_troubled(name, str(error))
                first_look.is_over.set()
            except TROUBLES as error:
                self._is_troubled(name, f"Redis can't be read ({type(error).__name__})")
            except Exception:  # a task's root: the other editions go on, and so does this one
                _logger.exception("feed-failed", edition=name)
                self._is_troubled(name, "the feed failed: the gateway's log says why")
            await asyncio.sleep(backoff.next_s())

    async def _open(self, stack: AsyncExitStack, *, blocking: bool) -> Redis:
        redis = connect(self._url, role="gateway", blocking=blocking)
        stack.push_async_callback(redis.aclose)
        return redis

    def _is_troubled(self, name: str, why: str, **facts: object) -> None:
        if self._hub.troubles.get(name) != why:
            _logger.warning("feed-troubled", edition=name, why=why, **facts)
        self._hub.troubles[name] = why

    async def _follow(self, name: str, redis: Redis, blocking: Redis, first_look: FirstLook) -> None:
        stored = await self._load(name, redis)
        channel = self._hub.channels[name]
        if self._hub.troubles.pop(name, None) is not None:
            _logger.info("feed-recovered", edition=name, at=str(channel.position))
        first_look.loaded.set()
        first_look.is_over.set()
        while not is_cancelled():
            raws = await tail(blocking, channel.name, channel.log.head)
            for raw in raws:
                channel.append(check_entry(channel.log.head, channel.log.head_link, raw))
            if not raws:
                await self._check_still_there(channel, stored, redis)

    async def _check_still_there(self, channel: Channel, stored: StoredEdition, redis: Redis) -> None:
        """Nothing came for a while: is this still the log that we follow? A shorter one would stay silent for ever."""
        now = await load_edition(redis, channel.name)
        if now is None or now.nonce != stored.nonce:
            raise StoreError("the edition has a new history")
        if now.edition != channel.edition:
            channel.edit(now.edition)
        head = channel.log.head
        if head:
            newest = await read_log(redis, channel.name, head - 1, 1)
            if not newest or newest[0].seq != head or newest[0].link != channel.log.head_link:
                raise StoreError("the log no longer holds the newest entry")

    async def _load(self, name: str, redis: Redis) -> StoredEdition:
        """Read the whole log, and bring the channel to it: by what is new if it is the same history, else anew."""
        stored = await load_edition(redis, name)
        if stored is None:
            raise StoreError(f"the edition {name} is gone")
        log: LogWindow[Logged] = LogWindow(0, stored.nonce)
        async for logged in walk_log(redis, name, 0, stored.nonce):
            if logged.seq != log.head + 1:  # what is before it has been trimmed
                log = LogWindow(logged.seq - 1, None)
            log.append(logged.link, logged)
        channel = self._hub.channels.get(name)
        if channel is None:
            channel = Channel(name, stored.edition, stored.nonce, self._hub.settings, self._hub.clock)
            channel.replace(stored.nonce, log)
            self._hub.add(channel)
            return stored
        seen = log.resume(channel.position)
        if isinstance(seen, Reset):
            # Of what was trimmed nobody can say whether it was this history, unless it began with another nonce.
            is_trimmed = seen is Reset.TRIMMED and channel.nonce == stored.nonce
            event, why = ("trimmed-past", Cursor.TRIMMED) if is_trimmed else ("history-replaced", Cursor.REPLACED)
            _logger.warning(event, edition=name, was=str(channel.position), now=str(log.position))
            channel.replace(stored.nonce, log, why)
        else:
            for logged in log.items(seen, log.head):
                channel.append(logged)
        channel.edit(stored.edition)
        return stored


def _put_if_room(reports: asyncio.Queue[Sent], sent: Sent) -> None:
    with suppress(asyncio.QueueFull):
        reports.put_nowait(sent)


class Feeds:
    """The feeds of all editions, those that are added later too."""

    def __init__(self, hub: Hub, url: str, gateway: str, chance: Callable[[], float]) -> None:
        self._hub = hub
        self._url = url
        self._gateway = gateway
        self._feed = Feed(hub, url, chance)

    async def run(self, loaded: asyncio.Event) -> None:
        """Follow every edition there is. Runs until cancelled.

        Sets `loaded` when those of the first look are, or can't be: one broken log doesn't keep the others waiting.
        """
        known: dict[str, FirstLook] = {}
        redis = connect(self._url, role="gateway", blocking=False)
        try:
            async with asyncio.TaskGroup() as tasks:
                while not is_cancelled():
                    for name in await self._names(redis):
                        if name not in known:
                            known[name] = FirstLook()
                            tasks.create_task(self._feed.run(name, known[name]), name=f"feed-{name}")
                            tasks.create_task(self._deliver(name, known[name].loaded, redis), name=f"deliver-{name}")
                    if known and not loaded.is_set():
                        for first_look in known.values():
                            await first_look.is_over.wait()
                        loaded.set()
                    await asyncio.sleep(DISCOVER_S if known else 0.05)
                raise asyncio.CancelledError
        finally:
            await redis.aclose()

    async def _names(self, redis: Redis) -> list[str]:
        try:
            names = await edition_names(redis)
        except (*TROUBLES, UnicodeError):
            return []  # each feed says for itself what is wrong; the next look is soon
        return [name for name in names if is_name(name)]

    async def _deliver(self, name: str, loaded: asyncio.Event, redis: Redis) -> None:
        await loaded.wait()
        channel = self._hub.channels[name]
        reports: asyncio.Queue[Sent] = asyncio.Queue(maxsize=64)
        channel.on_sent = lambda sent: _put_if_room(reports, sent)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report(name, redis, reports), name=f"report-{name}")
            tasks.create_task(self._look_further(channel, redis), name=f"look-further-{name}")
            await channel.deliver()

    async def _look_further(self, channel: Channel, redis: Redis) -> None:
        """Find out whether what readers have seen, and this gateway hasn't, is still to come here: one look for all.

        One that can't read the log mustn't take it for another history.
        """
        while not is_cancelled():
            await channel.is_overtaken.wait()
            look = channel.look()
            with suppress(TickerError, *TROUBLES):  # the feed tells of them; the next look is at the next tick
                if not await read_log(redis, channel.name, channel.log.head, 1):
                    channel.has_all(look)

    async def _report(self, name: str, redis: Redis, reports: asyncio.Queue[Sent]) -> None:
        while not is_cancelled():
            sent = await reports.get()
            with suppress(*TROUBLES):  # how far a line reached is told where it can be; serving readers goes on
                await report_reach(redis, name, Report(self._gateway, sent.first, sent.last, sent.followers, sent.ms))
