"""Feeds read the logs of all editions from Redis into their channels, and check every link.

While Redis is unavailable, or if an entry's link is wrong, the channel keeps serving the entries that it has. The hub's
`troubles` give the reason. The feed continues once the log can be read and verified. A gateway that starts with a
damaged log serves its sound entries, on boards that are marked as incomplete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from time import monotonic, time

import structlog

from ticker.backoff import Backoff
from ticker.core.edition import is_name
from ticker.core.entry import Logged
from ticker.core.errors import LinkError, StoreError, TickerError
from ticker.core.log_window import LogWindow, Reset
from ticker.core.salvage import salvage
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.redis_fault import RedisFault
from ticker.store.bell import last_ring, wait_for_ring
from ticker.store.connection import CLIENT_ERRORS, Redis, connect, is_cancelled, redis_fault
from ticker.store.editions import StoredEdition, edition_names, load_edition
from ticker.store.log_reader import PAGE, check_entry, listen, read_items, read_log, walk_log
from ticker.store.reach import Report, report_reach

RETRY_S = 1.0
"""Longest delay in seconds before a feed starts again after an error."""
RECHECK_S = 3.0
"""Longest delay in seconds before a damaged log is read again. The bell rings when it is repaired."""
CHECK_S = 3.0
"""Longest time between two checks of the history and the settings, while entries arrive."""
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
            except TickerError as error:
                self._fail(name, str(error))
                loading.attempted.set()
            except REDIS_ERRORS as error:
                reason = f"Redis can't be read ({type(error).__name__})"
                self._fail(name, reason, redis_fault(error))
            except Exception:  # the root of a task: the other editions must continue, and this one retries
                _logger.exception("feed-failed", edition=name)
                self._fail(name, "the feed failed: see the gateway's log")
            await asyncio.sleep(backoff.next_s())

    def _fail(self, name: str, reason: str, fault: RedisFault | None = None) -> None:
        self._hub.troubles[name] = reason
        self._hub.feed_failures += 1
        is_redis = fault is RedisFault.UNREACHABLE
        self._hub.outages.fail("feed", name, reason, is_redis=is_redis, fault=fault)

    async def _follow(self, name: str, redis: Redis, blocking: Redis, loading: Loading) -> None:
        while not is_cancelled():
            # Read before the edition: a history that begins in between rings the bell again.
            bell = await last_ring(redis, name)
            try:
                stored = await self._load(name, redis)
                self._hub.damaged.discard(name)
                channel = self._hub.channels[name]
                self._hub.troubles.pop(name, None)
                loading.loaded.set()
                loading.attempted.set()
                await self._tail(channel, stored, bell, redis, blocking)
            except LinkError as error:
                self._hub.damaged.add(name)
                self._fail(name, f"{error}; run `ticker repair {name} --dry-run`")
                if name in self._hub.channels:
                    loading.loaded.set()
                loading.attempted.set()
                await wait_for_ring(blocking, name, bell, int(RECHECK_S * 1000))

    async def _tail(self, channel: Channel, stored: StoredEdition, bell: str, redis: Redis, blocking: Redis) -> None:
        """Append the entries that arrive. Return if the edition has another history.

        Raises:
            LinkError: If an entry doesn't link to the one before it.
            StoreError: If the log no longer holds the newest entry.

        """
        loop = asyncio.get_running_loop()
        check_at = loop.time() + CHECK_S
        while not is_cancelled():
            log = channel.history.log
            entries, rung = await listen(blocking, channel.name, log.head, bell)
            self._hub.outages.recover("feed", channel.name)
            read_at = time()
            for entry in entries:
                logged = check_entry(log.head, log.head_link, entry)
                channel.append(logged)
                if self._hub.tracer is not None:
                    self._hub.tracer.record("feed", channel.name, logged, (read_at, time()))
            if entries:
                await asyncio.sleep(0)  # lets the pass begin before the next read is sent
            # Entries that keep coming must not hide new settings: they may make the edition private.
            if not entries or loop.time() >= check_at:
                if not await self._is_same_history(channel, stored, redis):
                    return
                check_at = loop.time() + CHECK_S
            if len(entries) < PAGE:
                self._hub.read_at[channel.name] = monotonic()
            bell = rung

    async def _is_same_history(self, channel: Channel, stored: StoredEdition, redis: Redis) -> bool:
        """Check, after a ring or some time, that Redis still has the log that the channel has. Use new settings.

        Return False if the edition has another history. Without this check, nothing would ever come from a log that
        became shorter.

        Raises:
            StoreError: If the edition is gone, or the log no longer holds the newest entry.

        """
        now = await load_edition(redis, channel.name)
        if now is None:
            raise StoreError(f"the edition {channel.name} is gone")
        if now.nonce != stored.nonce:
            return False
        if now.edition != channel.edition:
            channel.edit(now.edition)
        log = channel.history.log
        head = log.head
        if head:
            newest = await read_log(redis, channel.name, head - 1, 1)
            if not newest or newest[0].seq != head or newest[0].link != log.head_link:
                raise StoreError("the log no longer holds the newest entry")
        return True

    async def _load(self, name: str, redis: Redis) -> StoredEdition:
        """Read the whole log into the channel: the new entries if the history is the same, otherwise everything."""
        stored = await load_edition(redis, name)
        if stored is None:
            raise StoreError(f"the edition {name} is gone")
        try:
            log = await self._read(stored, redis)
        except LinkError:
            if name not in self._hub.channels:
                await self._serve_sound_entries(stored, redis)
            elif self._hub.channels[name].edition != stored.edition:
                self._hub.channels[name].edit(stored.edition)
            raise
        channel = self._hub.channels.get(name)
        if channel is None:
            self._add_channel(stored, log)
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

    def _add_channel(
        self, stored: StoredEdition, log: LogWindow[Logged], before: Sequence[Logged] | None = None
    ) -> None:
        channel = Channel(stored.name, stored.edition, stored.nonce, self._hub.settings, self._hub.clock)
        channel.replace(stored.nonce, log, before=before)
        self._hub.add(channel)

    async def _read(self, stored: StoredEdition, redis: Redis) -> LogWindow[Logged]:
        log: LogWindow[Logged] = LogWindow(0, stored.nonce)
        async for logged in walk_log(redis, stored.name, 0, stored.nonce):
            if logged.seq != log.head + 1:  # the entries before it have been trimmed
                log = LogWindow(logged.seq - 1, None)
            log.append(logged.link, logged)
        return log

    async def _serve_sound_entries(self, stored: StoredEdition, redis: Redis) -> None:
        """Serve the sound entries of a damaged log, if there are any: the board, and the entries after the last damage.

        The position is that of the newest sound entry, so readers who have seen it keep their board. A gateway may not
        read receipts, which would confirm more entries.
        """
        salvaged = salvage(stored.nonce, await read_items(redis, stored.name))
        before, after = salvaged.split()
        if not after:
            return
        log: LogWindow[Logged] = LogWindow(after[0].seq - 1, stored.nonce if after[0].seq == 1 else None)
        for logged in after:
            log.append(logged.link, logged)
        self._add_channel(stored, log, before)

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
