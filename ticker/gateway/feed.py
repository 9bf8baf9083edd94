"""Feeds read the logs of all editions from Redis into their channels, and check every link.

While Redis is unavailable, or if an entry's link is wrong, the channel keeps serving the entries that it has. The hub's
`troubles` give the reason. The feed continues once the log can be read and verified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

import structlog

from ticker.backoff import Backoff
from ticker.core.edition import is_name
from ticker.core.entry import Logged
from ticker.core.errors import LinkError, StoreError, TickerError
from ticker.core.log_window import LogWindow, Reset
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.store.connection import CLIENT_ERRORS, Redis, connect, is_cancelled
from ticker.store.editions import StoredEdition, edition_names, load_edition
from ticker.store.log_reader import check_entry, read_log, tail, walk_log
from ticker.store.reach import Report, report_reach

RETRY_S = 1.0
"""Longest delay in seconds before a feed starts again after an error."""
DISCOVER_S = 3.0
"""Interval in seconds between searches for new editions."""
REDIS_ERRORS = (OSError, *CLIENT_ERRORS)

_logger = structlog.get_logger("ticker.gateway.feed")


class Loading:
    """State of a feed's first attempts to load its edition.

    Attributes:
        loaded: Set when the edition is loaded.
        attempted: Set when it is loaded or can't be verified.

    """

    def __init__(self) -> None:
        self.loaded = asyncio.Event()
        self.attempted = asyncio.Event()


class Feeds:
    """The feeds of all editions, including editions that are added later.

    Args:
        hub: Gets the channels.
        url: The URL of Redis.
        gateway: The gateway's name in reach reports.
        chance: Returns a random number from 0 to 1, for the retry delays.

    """

    def __init__(self, hub: Hub, url: str, gateway: str, chance: Callable[[], float]) -> None:
        self._hub = hub
        self._url = url
        self._gateway = gateway
        self._chance = chance

    async def run(self, loaded: asyncio.Event) -> None:
        """Follow every edition. Runs until cancelled.

        Set `loaded` when each of the first editions is loaded or can't be verified: one broken log must not keep the
        others waiting.
        """
        known: dict[str, Loading] = {}
        async with aclosing(connect(self._url, role="gateway")) as redis, asyncio.TaskGroup() as tasks:
            while not is_cancelled():
                for name in await self._names(redis):
                    if name not in known:
                        self._hub.editions.add(name)
                        known[name] = Loading()
                        tasks.create_task(self._feed(name, known[name]), name=f"feed-{name}")
                        tasks.create_task(self._deliver(name, known[name].loaded, redis), name=f"deliver-{name}")
                if known and not loaded.is_set():
                    for loading in known.values():
                        await loading.attempted.wait()
                    loaded.set()
                await asyncio.sleep(DISCOVER_S if known else 0.05)
            raise asyncio.CancelledError

    async def _names(self, redis: Redis) -> list[str]:
        try:
            names = await edition_names(redis)
        except (*REDIS_ERRORS, UnicodeError):
            return []  # each feed reports the trouble of its own edition
        return [name for name in names if is_name(name)]

    async def _feed(self, name: str, loading: Loading) -> None:
        """Load the edition, then tail its log. Start again after an error. Runs until cancelled."""
        backoff = Backoff(RETRY_S, RETRY_S, chance=self._chance)
        while not is_cancelled():
            try:
                async with (
                    aclosing(connect(self._url, role="gateway")) as redis,
                    aclosing(connect(self._url, role="gateway", blocking=True)) as blocking,
                ):
                    await self._follow(name, redis, blocking, loading)
            except LinkError as error:
                self._report_trouble(name, str(error), seq=error.seq)
                loading.attempted.set()
            except TickerError as error:
                self._report_trouble(name, str(error))
                loading.attempted.set()
            except REDIS_ERRORS as error:
                self._report_trouble(name, f"Redis can't be read ({type(error).__name__})")
            except Exception:  # the root of a task: the other editions must continue, and this one retries
                _logger.exception("feed-failed", edition=name)
                self._report_trouble(name, "the feed failed: see the gateway's log")
            await asyncio.sleep(backoff.next_s())

    def _report_trouble(self, name: str, reason: str, **details: object) -> None:
        if self._hub.troubles.get(name) != reason:
            _logger.warning("feed-troubled", edition=name, reason=reason, **details)
        self._hub.troubles[name] = reason

    async def _follow(self, name: str, redis: Redis, blocking: Redis, loading: Loading) -> None:
        stored = await self._load(name, redis)
        channel = self._hub.channels[name]
        if self._hub.troubles.pop(name, None) is not None:
            _logger.info("feed-recovered", edition=name, position=str(channel.position))
        loading.loaded.set()
        loading.attempted.set()
        while not is_cancelled():
            log = channel.history.log
            entries = await tail(blocking, name, log.head)
            for entry in entries:
                channel.append(check_entry(log.head, log.head_link, entry))
            if not entries:
                await self._check_still_there(channel, stored, redis)

    async def _check_still_there(self, channel: Channel, stored: StoredEdition, redis: Redis) -> None:
        """Check, after a time without entries, that Redis still has the log that the channel has.

        Without this check, nothing would ever come from a log that became shorter.

        Raises:
            StoreError: If it doesn't.

        """
        now = await load_edition(redis, channel.name)
        if now is None or now.nonce != stored.nonce:
            raise StoreError("the edition has a new history")
        if now.edition != channel.edition:
            channel.edit(now.edition)
        log = channel.history.log
        head = log.head
        if head:
            newest = await read_log(redis, channel.name, head - 1, 1)
            if not newest or newest[0].seq != head or newest[0].link != log.head_link:
                raise StoreError("the log no longer holds the newest entry")

    async def _load(self, name: str, redis: Redis) -> StoredEdition:
        """Read the whole log into the channel: the new entries if the history is the same, otherwise everything."""
        stored = await load_edition(redis, name)
        if stored is None:
            raise StoreError(f"the edition {name} is gone")
        log: LogWindow[Logged] = LogWindow(0, stored.nonce)
        async for logged in walk_log(redis, name, 0, stored.nonce):
            if logged.seq != log.head + 1:  # the entries before it have been trimmed
                log = LogWindow(logged.seq - 1, None)
            log.append(logged.link, logged)
        channel = self._hub.channels.get(name)
        if channel is None:
            channel = Channel(name, stored.edition, stored.nonce, self._hub.settings, self._hub.clock)
            channel.replace(stored.nonce, log)
            self._hub.add(channel)
            return stored
        cursor = log.resume(channel.position)
        if isinstance(cursor, Reset):
            # The trimmed entries can't be compared. With the same nonce they belong to the same history.
            is_trimmed = cursor is Reset.TRIMMED and channel.history.nonce == stored.nonce
            event, reason = ("trimmed-past", Reset.TRIMMED) if is_trimmed else ("history-replaced", Reset.REPLACED)
            _logger.warning(event, edition=name, old=str(channel.position), new=str(log.position))
            channel.replace(stored.nonce, log, reason)
        else:
            for logged in log.items(cursor, log.head):
                channel.append(logged)
        channel.edit(stored.edition)
        return stored

    async def _deliver(self, name: str, loaded: asyncio.Event, redis: Redis) -> None:
        await loaded.wait()
        channel = self._hub.channels[name]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report(channel, redis), name=f"report-{name}")
            tasks.create_task(self._check_ahead(channel, redis), name=f"check-ahead-{name}")
            await channel.broadcaster.deliver()

    async def _check_ahead(self, channel: Channel, redis: Redis) -> None:
        """Check whether Redis has more entries, for followers whose position is ahead of the channel's log.

        If Redis can't be read, nothing is known, and the followers keep waiting. One check serves all of them.
        """
        ahead = channel.members.ahead
        while not is_cancelled():
            await ahead.check_due.wait()
            check = ahead.start_check()
            with suppress(TickerError, *REDIS_ERRORS):  # the feed reports them; the next check comes with the next tick
                if not await read_log(redis, channel.name, channel.history.log.head, 1):
                    channel.members.end_check(check)

    async def _report(self, channel: Channel, redis: Redis) -> None:
        while not is_cancelled():
            sent = await channel.broadcaster.sent.get()
            with suppress(*REDIS_ERRORS):  # without Redis, reports are lost: delivery doesn't depend on them
                report = Report(self._gateway, sent.first, sent.last, sent.followers, sent.ms)
                await report_reach(redis, channel.name, report)
