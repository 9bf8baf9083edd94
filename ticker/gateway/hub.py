"""The hub: everything that the connections of one gateway share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Final

from ticker.core.edition import in_order
from ticker.core.parts import Condition, EditionReport, Report
from ticker.gateway.access import Access
from ticker.gateway.admission import RETRY_S, Admission, Refusal, parse_networks
from ticker.gateway.channel import Channel
from ticker.gateway.connection_limits import Close, ConnectionLimits
from ticker.gateway.follower import Follower
from ticker.gateway.frame_cache import StreamOptions
from ticker.gateway.request_head import Headers
from ticker.gateway.selection_limits import SelectionLimits
from ticker.gateway.status_watch import StatusWatch
from ticker.gateway.time_slices import TimeSlices
from ticker.metrics.histograms import DURATION_BOUNDS_S, Histogram
from ticker.outages import Outages
from ticker.settings import Settings
from ticker.tracing import Tracer

DRAIN_STEP_S: Final = 0.1
DRAIN_MIN: Final = 50
"""Minimum number of followers closed per step of a drain. A few hundred that reconnect together do no harm."""
RETRY_MAX_S: Final = 10.0
"""Maximum time after which a follower of a gateway that stops is told to reconnect."""
CLOSING_STEPS: Final = 10
"""How many more steps the last followers have to answer their close frame."""
RESERVED_FILES: Final = 32
"""File descriptors that connections leave for Redis, logs and the listening socket."""
BUSY_S: Final = 0.02
IDLE_S: Final = 0.25
FULL_S: Final = 0.005
"""Intervals between two measurements of the event loop's delay. Waking an idle process costs more than all heartbeats,
so an idle one is measured less often. While sockets have more news than fits into a time slice, it is measured most
often: a stall between two measurements isn't seen."""
STALL_BOUNDS_S: Final = (
    *(0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01, 0.011, 0.012, 0.014, 0.016, 0.018),
    *(0.02, 0.022, 0.025, 0.028, 0.032, 0.036, 0.04, 0.045, 0.05, 0.056, 0.063, 0.071, 0.08, 0.09),
    *(0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0),
)
"""Upper bounds of the histogram's buckets, in seconds. From 6 ms to 0.1 s they are at most 17 % apart, so that the
benchmark can tell a stall of 20 ms from one of 25."""


class Hub:
    """The channels of one gateway, and the limits on its connections.

    Attributes:
        editions: The names of all editions found in Redis, whether or not they could be loaded.
        troubles: Why the feed of an edition doesn't follow the log now, by edition.
        damaged: The editions whose logs don't verify.
        outages: Those of the process, for its log.
        feed_failures: How often feeds had to start again.
        began_at: When the hub was created, by `time.monotonic`.
        read_at: When each feed last had every entry of its log, by the same clock.
        is_loading: Whether the editions are still being loaded.
        has_full_slices: Set when sockets have more news than fits into a time slice.
        loop_stalls: The event loop's delays.
        status: The status of the whole system.
        port: The port that the gateway listens on, 0 if that is unknown.
        tracer: Records the traces of entries, with the setting `otlp_endpoint`.

    """

    def __init__(
        self,
        settings: Settings,
        file_limit: int,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        """Create a hub without channels. It reads the keys of private editions.

        Args:
            settings: The limits.
            file_limit: How many files the process may open.
            clock: Returns the current time.
            chance: Returns a random number from 0 to 1, to spread reconnects.

        Raises:
            SettingsError: If the file of the keys can't be used.

        """
        self.settings = settings
        self.clock = clock
        self.channels: dict[str, Channel] = {}
        self.editions: set[str] = set()
        self.troubles: dict[str, str] = {}
        self.damaged: set[str] = set()
        self.outages = Outages()
        self.feed_failures = 0
        self.began_at = monotonic()
        self.read_at: dict[str, float] = {}
        self.admission = Admission(settings, file_limit)
        self.access = Access(settings.access_keys_file, self.admission.refused)
        self.trusted = parse_networks(settings.trusted_proxies)
        self.limits = ConnectionLimits(
            settings, max(file_limit - RESERVED_FILES, 8), self.trusted, self.admission.refused
        )
        self.selections = SelectionLimits(settings, self.admission.refused)
        self.is_loading = True
        self.time_slices = TimeSlices()
        self.has_full_slices = asyncio.Event()
        self.loop_stalls = Histogram(STALL_BOUNDS_S)
        self.status = StatusWatch(self.report, self.editions)
        self.port = 0
        endpoint = settings.otlp_endpoint
        self.tracer = None if endpoint is None else Tracer(endpoint, "gateway")
        self._chance = chance

    @property
    def followers(self) -> int:
        """The number of followers of all channels."""
        return sum(len(channel.members) for channel in self.channels.values())

    @property
    def is_draining(self) -> bool:
        """Whether the gateway is closing its followers' connections before it stops."""
        return self.admission.draining

    def channel(self, name: str, headers: Headers) -> Channel:
        """Return the channel of an edition that the request with these headers may read.

        Raises:
            Refusal: As `channel_until`.

        """
        return self.channel_until(name, headers)[0]

    def channel_until(self, name: str, headers: Headers) -> tuple[Channel, int | None]:
        """Return the channel of an edition, and until when the request's token counts (in Unix time, None: for ever).

        Raises:
            Refusal: 404 if the edition doesn't exist; 503 if it exists but can't be loaded now, or if the editions are
                still being loaded. Some readers give up after 404; all retry after 503. For a private edition also as
                `Access.check`.

        """
        channel = self.channels.get(name)
        if channel is None and self.is_loading:
            raise Refusal(503, "loading", "this gateway is still loading its editions: try again", RETRY_S)
        if channel is None and name in self.editions:
            raise Refusal(503, "unavailable", f"the log of the edition {name} can't be read now: try again", RETRY_S)
        if channel is None:
            existing = ", ".join(self.open_channels()) or "none yet"
            raise Refusal(404, "edition", f"there is no edition {name[:40]!a}: there are {existing}")
        return channel, (self.access.check(name, headers) if channel.is_private else None)

    def open_channels(self) -> dict[str, Channel]:
        """Return the channels of the editions that everybody may read, in the order of every list."""
        return {name: self.channels[name] for name in in_order(self.channels) if not self.channels[name].is_private}

    def add(self, channel: Channel) -> None:
        """Serve an edition."""
        channel.members.on_lost = self._release
        channel.members.refused = self.admission.refused
        channel.broadcaster.tracer = self.tracer
        self.channels[channel.name] = channel

    def _release(self, follower: Follower) -> None:
        self.limits.closed[Close.FOLLOWER] += 1
        self.admission.release(follower.address)
        self.selections.leave(follower)

    def admit(self, channel: Channel, transport: asyncio.Transport, options: StreamOptions, address: str) -> Follower:
        """Admit a follower from `address` if no limit is reached. The caller lets it join.

        Raises:
            Refusal: As `SelectionLimits.check` and `Admission.admit`.

        """
        self.selections.check(address, channel, options.cache_key, self.channels.values())
        self.admission.admit(address, asyncio.get_running_loop().time())
        follower = channel.new_follower(transport, options, address)
        self.selections.enter(follower)
        return follower

    def report(self) -> Report:
        """Return the gateway's report: each edition that it has found, and how many readers have it."""
        editions = {}
        for name in self.editions | self.channels.keys():
            channel = self.channels.get(name)
            editions[name] = EditionReport(
                self._condition(name),
                0 if channel is None else len(channel.members),
                0 if channel is None else channel.counts.deliveries,
            )
        return Report(
            draining=self.is_draining,
            editions=editions,
            readers_max=self.admission.followers_max,
            latencies=latencies_of([channel.counts.posted_to_written_s for channel in self.channels.values()]),
        )

    def _condition(self, name: str) -> Condition:
        if name in self.damaged:
            return Condition.FAULT
        return Condition.OK if name in self.channels and name not in self.troubles else Condition.WAITING

    async def tick(self) -> None:
        """Once per second, send heartbeats and end everything that takes too long. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        second, due = 0, loop.time()
        while True:
            for channel in list(self.channels.values()):
                channel.tick(second, loop.time())
            self.limits.cut_off_overdue(loop.time())
            second += 1
            due = max(due + 1, loop.time())
            await asyncio.sleep(due - loop.time())

    async def watch_loop(self) -> None:
        """Measure the event loop's delays. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        after, full = -1, self.has_full_slices
        while True:
            before, after = after, self._progress()
            is_idle = after == before and not full.is_set()
            due = loop.time() + (FULL_S if full.is_set() else IDLE_S if is_idle else BUSY_S)
            full.clear()
            if is_idle:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await full.wait()
            else:
                await asyncio.sleep(due - loop.time())
            self.loop_stalls.observe(max(loop.time() - due, 0.0))

    def _progress(self) -> int:
        """Return a number that grows with each entry and each new follower."""
        return self.admission.admitted + sum(channel.counts.entries for channel in self.channels.values())

    async def drain(self, is_forced: Callable[[], bool]) -> None:
        """Close all followers within `drain_s`, at an even rate.

        Each is sent a random delay after which it should reconnect. Once `is_forced` returns True, the connections that
        are left are aborted.
        """
        self.admission.draining = True
        steps = max(int(self.settings.drain_s / DRAIN_STEP_S), 1)
        for step in range(steps, 0, -1):
            left = self.followers
            if not left or is_forced():
                break
            most = max(-(-left // step), DRAIN_MIN)
            for channel in self.channels.values():
                most -= channel.members.close_some(most, self._retry_ms)
            await asyncio.sleep(DRAIN_STEP_S)
        steps = 0 if is_forced() else CLOSING_STEPS
        while steps and self.admission.followers:
            steps -= 1
            await asyncio.sleep(DRAIN_STEP_S)
        for channel in self.channels.values():
            channel.members.abort_all()

    def _retry_ms(self) -> int:
        return int(self._chance() * min(self.settings.drain_s, RETRY_MAX_S) * 1000)


def latencies_of(histograms: Iterable[Histogram]) -> tuple[int, ...]:
    """Return the sums of the classes of some histograms, as a report has them: the last class has all above, too."""
    sums: Counter[int] = Counter()
    for histogram in histograms:
        before = 0
        for place, (_, count) in enumerate(histogram.cumulative()):
            sums[min(place, len(histogram.bounds) - 1)] += count - before
            before = count
    return tuple(sums[place] for place in range(len(DURATION_BOUNDS_S)))
