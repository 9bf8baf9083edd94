"""The hub: a gateway's channels, who is let in to them, and what happens once a second for all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ticker.gateway.admission import RETRY_S, Admission, Refusal, counted_as, is_trusted, parse_networks
from ticker.gateway.channel import Channel
from ticker.gateway.follower import Follower
from ticker.gateway.frame_cache import Wish
from ticker.gateway.time_slices import Turns
from ticker.settings import Settings

if TYPE_CHECKING:
    from ticker.gateway.connection import GatewayProtocol

DRAIN_STEP_S: Final = 0.1
DRAIN_LEAST: Final = 50
"""Followers a step, at least: a few hundred of them coming back at once trouble nobody."""
WATCH_S: Final = 0.02
WATCH_IDLE_S: Final = 0.25
"""Waking an idle process costs more than all the heartbeats: a fiftieth of a second only while something happens."""
LAST_ANSWERS: Final = 10
"""For how many steps the last followers to go may answer their close."""


class Hub:
    """What the connections of one gateway share. `chance` gives a float in [0, 1), for spreading things out."""

    def __init__(
        self,
        settings: Settings,
        file_limit: int,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.channels: dict[str, Channel] = {}
        self.troubles: dict[str, str] = {}  # edition → why its feed isn't following the log at the moment
        self.admission = Admission(settings, file_limit)
        self.trusted = parse_networks(settings.trusted_proxies)
        self.is_loading = True
        self.handshakes_timed_out = 0
        self.unread_cut_off = 0
        self.turns = Turns()
        self.loop_stall_s = 0.0  # the longest since the metrics were read
        self._chance = chance
        self._connections_max = max(file_limit - 32, 8)
        self._visitors: Counter[str] = Counter()
        self._awaited: dict[GatewayProtocol, float] = {}  # connections whose request isn't complete → since when
        self._unread: dict[GatewayProtocol, tuple[float, int]] = {}  # whose answer isn't taken → since when, bytes
        self._unread_bytes = 0

    @property
    def followers(self) -> int:
        return sum(channel.followers for channel in self.channels.values())

    @property
    def is_draining(self) -> bool:
        return self.admission.draining

    def channel(self, name: str) -> Channel:
        """The channel of an edition.

        Raises:
            Refusal: 404 where there is none, 503 while it may still be read.

        """
        channel = self.channels.get(name)
        if channel is None and self.is_loading:
            raise Refusal(503, "loading", "this gateway is still reading its editions: connect again", RETRY_S)
        if channel is None:
            there_are = ", ".join(sorted(self.channels)) or "none yet"
            raise Refusal(404, "edition", f"there is no edition {name[:40]!a}: there are {there_are}")
        return channel

    def add(self, channel: Channel) -> None:
        """Begin to serve an edition."""
        channel.on_gone = self._is_gone
        channel.refused = self.admission.refused
        self.channels[channel.name] = channel

    def _is_gone(self, follower: Follower) -> None:
        self.admission.release(follower.address)

    def check_views(self, channel: Channel, wish: Wish) -> None:
        """Refuse a wish that nobody else has where there are as many views as may be.

        Raises:
            Refusal: 503; the reader may ask for less, or try again.

        """
        if wish in channel.views:
            return
        if sum(len(each.views) for each in self.channels.values()) >= self.settings.views:
            self.admission.refused["views"] += 1
            most = self.settings.views
            raise Refusal(
                503, "views", f"{most} different selections are in use: {most} at most, ask for a wider one", 5
            )

    # Connections that aren't followers yet

    def has_room(self, connections: int) -> bool:
        """Whether one more connection may stay, besides `connections` plain ones and the followers."""
        if connections + self.admission.followers <= self._connections_max:
            return True
        self.admission.refused["connections"] += 1
        return False

    def enters(self, address: str) -> bool:
        """Count a connection that is no follower yet; False where its address has as many as it may have followers.

        Behind a proxy of ours all come from one address: there the proxy bounds them.
        """
        most, counted = self.settings.followers_per_address, counted_as(address)
        if most and self._visitors[counted] >= most and not is_trusted(address, self.trusted):
            self.admission.refused["address-full"] += 1
            return False
        self._visitors[counted] += 1
        return True

    def leaves(self, address: str) -> None:
        """A connection that was counted has become a follower, or is gone."""
        counted = counted_as(address)
        self._visitors[counted] -= 1
        if not self._visitors[counted]:
            del self._visitors[counted]

    def awaits(self, protocol: GatewayProtocol) -> None:
        """A request is due from a connection, within `handshake_s` of the first time that this is said of it."""
        self._awaited.setdefault(protocol, protocol.loop.time())

    def forget(self, protocol: GatewayProtocol) -> None:
        """The request is complete, or the connection is gone."""
        self._awaited.pop(protocol, None)

    def stalls(self, protocol: GatewayProtocol) -> None:
        """A connection has more of an answer to take than its transport should hold.

        Where all of them together are beyond `unread_bytes`, those go that have stalled the longest.
        """
        size = protocol.transport.get_write_buffer_size()
        self._unread[protocol] = (protocol.loop.time(), size)
        self._unread_bytes += size
        for slowest in list(self._unread):
            if self._unread_bytes <= self.settings.unread_bytes:
                break
            self._cut_off_unread(slowest)

    def flows(self, protocol: GatewayProtocol) -> None:
        """Its peer has read, or is gone. For one that hasn't stalled this does nothing."""
        _, size = self._unread.pop(protocol, (0.0, 0))
        self._unread_bytes -= size

    def _cut_off_unread(self, protocol: GatewayProtocol) -> None:
        self.unread_cut_off += 1
        self.flows(protocol)
        protocol.cut_off()

    def _cut_off_stalled(self, now: float) -> None:
        """Whoever takes bytes now and then would hold an answer for hours."""
        for protocol in [each for each, (at, _) in self._unread.items() if now - at > self.settings.follower_paused_s]:
            self._cut_off_unread(protocol)

    def _cut_off_silent(self, now: float) -> None:
        late = [each for each, since in self._awaited.items() if now - since > self.settings.handshake_s]
        for protocol in late:
            self.handshakes_timed_out += 1
            self.forget(protocol)
            protocol.cut_off()

    # Time

    async def tick(self) -> None:
        """Once a second: heartbeats, and whatever has taken too long. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        second, due = 0, loop.time()
        while True:
            for channel in list(self.channels.values()):
                channel.tick(second, loop.time())
            self._cut_off_silent(loop.time())
            self._cut_off_stalled(loop.time())
            second += 1
            due = max(due + 1, loop.time())
            await asyncio.sleep(due - loop.time())

    async def watch_loop(self) -> None:
        """Measure how late the loop is, closely while there is something to do. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        done = -1
        while True:
            before, done = done, self._work_done()
            due = loop.time() + (WATCH_IDLE_S if done == before else WATCH_S)
            await asyncio.sleep(due - loop.time())
            self.loop_stall_s = max(self.loop_stall_s, loop.time() - due)

    def _work_done(self) -> int:
        """A number that grows with each entry taken and each follower let in."""
        return self.admission.admitted + sum(channel.counts.entries for channel in self.channels.values())

    async def drain(self, is_forced: Callable[[], bool]) -> None:
        """Let every follower go within `drain_s`, at an even rate, told to come back at a time spread over as long.

        When `is_forced` says so, those that are left are cut off.
        """
        self.admission.draining = True
        steps = max(int(self.settings.drain_s / DRAIN_STEP_S), 1)
        for step in range(steps, 0, -1):
            left = self.followers
            if not left or is_forced():
                break
            most = max(-(-left // step), DRAIN_LEAST)
            for channel in self.channels.values():
                most -= channel.close_some(most, self._retry_ms)
            await asyncio.sleep(DRAIN_STEP_S)
        steps = 0 if is_forced() else LAST_ANSWERS
        while steps and self.admission.followers:
            steps -= 1
            await asyncio.sleep(DRAIN_STEP_S)
        for channel in self.channels.values():
            channel.cut_off()

    def _retry_ms(self) -> int:
        return int(self._chance() * min(self.settings.drain_s, 10.0) * 1000)
