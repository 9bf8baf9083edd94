"""Passes over the followers of one channel. A pass writes to each follower the entries that it hasn't been sent.

Entries that come during a pass are included in it. A burst therefore costs one write per follower, not one per entry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, time
from typing import Final

import msgspec

from ticker.core.entry import Logged
from ticker.gateway.follower import BURST_MARKS, LIVE, Counts, Follower
from ticker.gateway.history import History
from ticker.gateway.members import Members
from ticker.gateway.write_groups import HeartbeatSlot, WriteGroup
from ticker.tracing import Tracer

SLICE_S: Final = 0.002
"""Time after which a pass yields to the event loop."""
RECENT_S: Final = 5
"""A follower that was sent an entry within this many seconds gets no heartbeat. Silence can last this much longer."""
SENT_MAX: Final = 64
"""Maximum number of results that wait to be reported."""


class Sent(msgspec.Struct, frozen=True):
    """Result of a pass: entries `first` to `last` have been written to `followers` followers.

    `ms` is the time since the first of these entries came from the log.
    """

    first: int
    last: int
    followers: int
    ms: float


class Broadcaster:
    """Writes entries and heartbeats to the followers of one channel.

    Everything but `deliver` happens in a single iteration of the event loop.

    `now` returns Unix time.

    Attributes:
        sent: The results of passes, for the reach reports. A result that finds the queue full is dropped.
        tracer: Records a span per entry and pass, if there is one.

    """

    def __init__(
        self,
        history: History,
        members: Members,
        buffer_bytes: int,
        counts: Counts,
        now: Callable[[], float] = time,
    ) -> None:
        self.sent: asyncio.Queue[Sent] = asyncio.Queue(SENT_MAX)
        self.tracer: Tracer | None = None
        self._history = history
        self._members = members
        self._slots = members.slots
        self._burst_bytes = BURST_MARKS * buffer_bytes
        self._counts = counts
        self._news_since: tuple[int, float] | None = None  # the first entry not sent yet, and when it came
        self._news: list[Logged] = []  # the entries not sent yet
        self._now = now
        self._heads: deque[int] = deque([0], maxlen=RECENT_S)  # the head in each of the last seconds

    def request_pass(self, first: int) -> None:
        """Request a pass for entry `first` and later ones."""
        if self._news_since is None:
            self._news_since = (first, asyncio.get_running_loop().time())
        self._members.work.set()

    def add_news(self, logged: Logged) -> None:
        """Request a pass for a new entry."""
        self._news.append(logged)
        self.request_pass(logged.seq)

    def cancel_pass(self) -> None:
        """Withdraw the request, because the history was replaced. Followers that are behind are still served."""
        self._news_since = None
        self._news = []

    async def deliver(self) -> None:
        """Write new entries to the followers as they come. Runs until cancelled."""
        loop, work = asyncio.get_running_loop(), self._members.work
        while True:
            await work.wait()
            work.clear()
            news, self._news_since = self._news_since, None
            if news is None:
                await self.catch_up()
                continue
            head, (first, came_at) = self._history.log.head, news
            entries, self._news = self._news, []
            began_at = monotonic()  # the loop's own clock doesn't advance within an iteration of uvloop
            served = await self.run_pass(first)
            self._count_pass(monotonic() - began_at, entries, served)
            if first <= head:
                with suppress(asyncio.QueueFull):
                    self.sent.put_nowait(Sent(first, head, served, (loop.time() - came_at) * 1000))

    def _count_pass(self, duration_s: float, entries: list[Logged], served: int) -> None:
        """Count a pass that wrote these entries to `served` followers."""
        self._counts.passes += 1
        self._counts.pass_s.observe(duration_s)
        now = self._now()
        for logged in entries:
            self._counts.posted_to_written_s.observe(now - logged.entry.posted_at.timestamp())
            if self.tracer is not None:
                self.tracer.record("pass", self._history.name, logged, (now - duration_s, now), followers=served)

    async def run_pass(self, first: int) -> int:
        """Advance every follower. Return how many have been sent entry `first` or a later one.

        That includes followers that were sent it in the previous pass, because it came while that pass was running.
        """
        served, yield_at = 0, monotonic() + SLICE_S
        for slot in self._slots:
            singles = list(slot.singles)  # a copy: followers that leave a group in this pass have been served
            for group in slot.groups():
                served += self._serve_group(slot, group, first)
                if monotonic() >= yield_at:
                    yield_at = await _yield_to_loop()
            for follower in singles:
                served += self._serve(follower, first)
                if monotonic() >= yield_at:
                    yield_at = await _yield_to_loop()
        return served

    def _serve_group(self, slot: HeartbeatSlot[Follower], group: WriteGroup[Follower], first: int) -> int:
        """Advance a write group. Return how many members have been sent entry `first` or a later one."""
        members, log = len(group.members), self._history.log
        if not members or group.cursor == log.head:
            pass
        elif group.cursor < log.first - 1:
            self._members.behind.update(dict.fromkeys(group.members))
            self._members.work.set()
            slot.dissolve(group)
        else:
            self._advance_group(slot, group)
        return members if group.sent >= first else 0

    def _advance_group(self, slot: HeartbeatSlot[Follower], group: WriteGroup[Follower]) -> None:
        batch = group.frame_cache.batch(group.cursor, self._burst_bytes)
        group.cursor = batch.until
        if batch.entries:
            group.sent = batch.until
        if batch.data:
            self._counts.deliveries += batch.entries * len(group.members)
            self._counts.written_bytes += len(batch.data) * len(group.members)
            slot.write(group, batch.data)
        head = self._history.log.head
        if group.cursor != head:  # write the rest in the next pass, after the peers have read this batch
            self.request_pass(head + 1)

    def _serve(self, follower: Follower, first: int) -> int:
        """Advance a single follower. Return 1 if it has been sent entry `first` or a later one, else 0."""
        if follower not in follower.slot.singles:
            return 0
        # The last pass left all live followers at this cursor or after it. Other cursors are those of few followers.
        is_shared = follower.cursor >= first - 1 and follower.state is LIVE
        self._counts.deliveries += follower.advance(at_live_cursor=is_shared)
        self._members.join_group(follower)
        return follower.sent >= first

    async def catch_up(self) -> None:
        """Write one batch to each follower that is behind. Followers that need more are added again."""
        behind, self._members.behind = self._members.behind, {}
        yield_at = monotonic() + SLICE_S
        for follower in behind:
            if follower in follower.slot.singles:
                self._counts.deliveries += follower.advance()
                self._members.join_group(follower)
            if monotonic() >= yield_at:
                yield_at = await _yield_to_loop()
        await asyncio.sleep(0)

    def send_heartbeats(self, second: int) -> None:
        """Write the heartbeats that are due in this second.

        A heartbeat has the follower's own position. It may be before the head: if the selection leaves out all entries
        in between, nothing else tells the follower that it is up to date. Followers that were sent an entry in the last
        `RECENT_S` seconds get none. A write group that the current pass hasn't reached is sent its entries now.
        """
        slot, log, recent = self._slots[second % len(self._slots)], self._history.log, self._heads[0]
        self._heads.append(log.head)
        singles = list(slot.singles)  # a copy: followers that leave a group below have got their heartbeat
        for group in slot.groups():
            self._serve_group(slot, group, log.head)
            if group.sent <= recent and log.position_at(group.cursor) is not None:
                frame = group.frame_cache.heartbeat(group.cursor)
                self._counts.heartbeats += len(group.members)
                self._counts.written_bytes += len(frame) * len(group.members)
                slot.write(group, frame)
        for follower in singles:
            is_due = follower.sent <= recent and follower.reset is None
            if is_due and log.position_at(follower.cursor) is not None:
                self._counts.heartbeats += follower.send(follower.frame_cache.heartbeat(follower.cursor))


async def _yield_to_loop() -> float:
    """Let the event loop do something else. Return when to yield again."""
    await asyncio.sleep(0)
    return monotonic() + SLICE_S  # the loop's own clock doesn't advance within an iteration of uvloop
