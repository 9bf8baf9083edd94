"""The followers of one channel: joining, leaving, pausing and closing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from typing import Final

from ticker.core.log_window import Reset
from ticker.core.messages import ByeMessage, CloseCode
from ticker.core.position import Position
from ticker.gateway.admission import Refusal
from ticker.gateway.ahead import AheadFollowers
from ticker.gateway.expiries import Expiries
from ticker.gateway.follower import LEFT, LIVE, Counts, Follower, Leave
from ticker.gateway.frame_cache import FrameCache, FrameCaches
from ticker.gateway.framing import frame_message
from ticker.gateway.history import History
from ticker.gateway.problems import refusal_response
from ticker.gateway.write_groups import GROUP_MAX, HeartbeatSlot, MemoryFile

BEHIND: Final = Refusal(503, "behind", "this position is ahead of what this gateway can read now: try again", 1)
CLOSING_S: Final = 5.0
"""How long a peer has to answer a close frame."""


class Members:
    """The followers of one channel, by what they are doing.

    Attributes:
        slots: The heartbeat slots, one per second of the heartbeat interval. Each follower that is served is in one.
        behind: Followers that need another batch before the next pass.
        paused: Followers that are written nothing until their peers have read.
        ahead: Followers that wait because their position is ahead of the log.
        expiries: When the tokens of the followers of a private edition expire.
        work: Set when there is something to write.
        on_lost: Called when a follower's connection is gone.
        refused: Counts refusals by code.

    """

    def __init__(self, history: History, frame_caches: FrameCaches, heartbeat_s: int, counts: Counts) -> None:
        self.behind: dict[Follower, None] = {}
        self.paused: dict[Follower, None] = {}
        self.ahead = AheadFollowers()
        self.expiries = Expiries()
        self.work = asyncio.Event()
        self.on_lost: Callable[[Follower], None] = lambda follower: None
        self.refused: Counter[str] = Counter()
        file = MemoryFile()
        self.slots: list[HeartbeatSlot[Follower]] = [HeartbeatSlot(file) for _ in range(heartbeat_s)]
        self._next_slots = cycle(range(heartbeat_s))
        self._history = history
        self._frame_caches = frame_caches
        self._counts = counts
        self._count = 0
        self._closing: dict[Follower, float] = {}  # → when its connection is aborted

    def __len__(self) -> int:
        return self._count

    def next_slot(self, cache: FrameCache) -> HeartbeatSlot[Follower]:
        """Return the slot for the next follower with this frame cache. Followers are spread evenly over the slots.

        Consecutive followers share a slot until they fill a write group. Their sockets then lie side by side in the
        kernel's memory, and a selection with few followers has few groups.
        """
        if cache.seated % GROUP_MAX == 0:
            cache.slot = next(self._next_slots)
        cache.seated += 1
        return self.slots[cache.slot]

    # Joining and leaving

    def join(self, follower: Follower, response: bytes, after: Position | Reset | None) -> None:
        """Serve a follower from the position `after`. Without a usable position, send it the board first."""
        follower.frame_cache.followers += 1
        self._count += 1
        self._counts.joined += 1
        if isinstance(after, Position) and after.seq > self._history.log.head:
            self.ahead.add(follower, response, after, asyncio.get_running_loop().time())
        else:
            self._begin(follower, response, after)

    def _begin(self, follower: Follower, response: bytes, after: Position | Reset | None) -> None:
        follower.slot.singles[follower] = None
        start = self._history.log.resume(after) if isinstance(after, Position) else after
        if isinstance(start, Reset):
            self._counts.resets[start] += 1
        follower.begin(response, start)
        self.join_group(follower)

    def join_group(self, follower: Follower) -> None:
        """Put a single follower into a write group if it is live, at the head and can be written to directly."""
        if (
            follower.state is LIVE
            and follower.reset is None
            and follower.cursor == self._history.log.head
            and follower in follower.slot.singles
        ):
            descriptor = follower.descriptor()
            if descriptor is not None:
                follower.slot.join_group(follower, descriptor)

    def leave(self, follower: Follower, reason: Leave) -> None:
        """Stop serving a follower. Do nothing if it has left already."""
        if follower.state is LEFT:
            return
        follower.state = LEFT
        self._counts.left[reason] += 1
        self.ahead.pop(follower, None)
        self.expiries.discard(follower)
        follower.slot.remove(follower)
        self.behind.pop(follower, None)
        self.paused.pop(follower, None)
        self._count -= 1
        self._frame_caches.release(follower.frame_cache)

    def lose(self, follower: Follower, reason: Leave) -> None:
        """Forget a follower whose connection is gone. `reason` counts unless it has left already."""
        self.leave(follower, reason)
        self._closing.pop(follower, None)
        self.on_lost(follower)

    def reset_all(self, reset: Reset) -> None:
        """Send every follower a new board with this reason, because the history was replaced."""
        for slot in self.slots:
            for group in slot.groups():
                slot.dissolve(group)
            for follower in slot.singles:
                follower.reset, follower.sent = reset, 0
            self.behind.update(slot.singles)
        self.work.set()

    # Followers ahead of the log

    def admit_reached(self) -> None:
        """Serve the waiting followers and history requests whose entry has come."""
        self.ahead.notify()
        for follower in self.ahead.reached(self._history.log.head):
            self._admit(follower)

    def end_check(self, check: int) -> None:
        """Serve the followers that came before this check: the log had no more entries, so their position is wrong."""
        for follower in self.ahead.end_check(check):
            self._admit(follower)

    def _admit(self, follower: Follower) -> None:
        waiting = self.ahead.pop(follower)
        self._begin(follower, waiting.response, waiting.after)

    def refuse_overdue(self, now: float) -> None:
        """Reject the followers that have waited too long with 503 `behind`. Request another check for the others.

        The reader keeps what it shows and retries.
        """
        if self.ahead:
            self.ahead.check_due.set()
        for follower in self.ahead.overdue(now):
            self._refuse_behind(follower)

    async def wait_until_certain(self, position: Position) -> None:
        """Let a history request wait until the log has its entry, or until it is certain that the entry doesn't exist.

        Raises:
            Refusal: 503 `behind` if that takes too long.

        """
        try:
            await self.ahead.wait(position, lambda: self._history.log.head)
        except TimeoutError:
            self.refused[BEHIND.code] += 1
            raise Refusal(BEHIND.status, BEHIND.code, BEHIND.detail, BEHIND.retry_s) from None

    def _refuse_behind(self, follower: Follower) -> None:
        self.refused[BEHIND.code] += 1
        self.leave(follower, Leave.BEHIND)
        follower.transport.write(refusal_response(BEHIND))
        follower.transport.close()

    # Flow control

    def add_behind(self, follower: Follower) -> None:
        """Send a follower another batch before the next pass."""
        self.behind[follower] = None
        self.work.set()

    def pause(self, follower: Follower) -> None:
        """Write nothing to a follower until its peer has read."""
        follower.paused_at = asyncio.get_running_loop().time()
        if follower in follower.slot.singles:
            self.paused[follower] = None
            self._counts.pauses += 1

    def resume(self, follower: Follower) -> None:
        """Continue with a paused follower."""
        follower.paused_at = None
        if follower in self.paused:
            del self.paused[follower]
            self.add_behind(follower)  # don't write now: thousands of followers may resume in one iteration

    def close_paused(self, limit_s: float, now: float) -> None:
        """Close the followers that have been paused for longer than `limit_s`."""
        for follower in [each for each in self.paused if now - (each.paused_at or now) > limit_s]:
            follower.close(CloseCode.TRY_LATER, "this reader reads too slowly")

    # Closing

    def change_access(self, *, is_private: bool) -> None:
        """Close the followers of an edition that becomes private with the next tick. They had no token to show."""
        self.expiries.clear()
        if is_private:
            for follower in [*self.ahead, *(each for slot in self.slots for each in slot)]:
                self.expiries.add(follower, 0)

    def start_closing(self, follower: Follower, reason: Leave) -> None:
        """Stop serving a follower. Its peer has `CLOSING_S` to end the connection."""
        self.leave(follower, reason)
        self._closing.setdefault(follower, asyncio.get_running_loop().time() + CLOSING_S)

    def abort_closing(self, now: float) -> None:
        """Abort the connections whose peers haven't answered a close frame in time."""
        for follower in [each for each, abort_at in self._closing.items() if abort_at <= now]:
            follower.transport.abort()

    def close_some(self, most: int, retry_ms: Callable[[], int]) -> int:
        """Send `bye` to up to `most` followers and close them (1012). Return their number."""
        closing = [follower for slot in self.slots for follower in slot][:most]
        for follower in closing:
            bye = ByeMessage(retry_ms(), "restart")
            follower.send(frame_message(follower.frame_cache.key.framing, bye))
            follower.close(CloseCode.RESTART, "restart")
        for follower in list(self.ahead):  # their handshake isn't answered yet: they couldn't read a close frame
            self.leave(follower, Leave.DRAINED)
            follower.transport.abort()
        return len(closing)

    def abort_all(self) -> None:
        """Abort every connection that is left, including those that wait for the peer's close frame."""
        for follower in [*self._closing, *self.ahead, *(each for slot in self.slots for each in slot)]:
            follower.transport.abort()
