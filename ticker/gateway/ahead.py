"""Followers and history requests whose position is ahead of the gateway's log.

Either another gateway was faster and the entry is about to come, or the client has seen another history. The client
isn't answered until one of the two is certain. If that takes too long, the client is refused and retries later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from ticker.core.position import Position
from ticker.gateway.follower import Follower

AHEAD_S: Final = 1.0
"""Maximum time in seconds until a follower that is ahead is answered."""


class Waiting(msgspec.Struct, frozen=True):
    """A follower that waits.

    Attributes:
        response: The response to its handshake.
        after: Its position.
        since: When it came, on the event loop's clock.
        checks: How many checks of the log were started before it came.

    """

    response: bytes
    after: Position
    since: float
    checks: int


class AheadFollowers(dict[Follower, Waiting]):
    """The followers that wait, and the checks whether the log has more entries than the gateway.

    Attributes:
        check_due: Set when the feed should check the log.
        checks: The number of checks started.

    """

    def __init__(self) -> None:
        super().__init__()
        self.check_due = asyncio.Event()
        self.checks = 0
        self._ended = 0  # the newest check that found no further entries
        self._requests = 0  # that wait
        self._progress = asyncio.Event()

    def add(self, follower: Follower, response: bytes, after: Position, now: float) -> None:
        """Let a follower wait, and request a check of the log."""
        self[follower] = Waiting(response, after, now, self.checks)
        self.check_due.set()

    def start_check(self) -> int:
        """Return the number of a new check, for `unconfirmed`."""
        self.check_due.clear()
        self.checks += 1
        return self.checks

    async def wait(self, after: Position, head: Callable[[], int]) -> None:
        """Let a history request wait until its entry is in the log, or until a check has found no further entries.

        `head` returns the seq of the newest entry. The caller calls `notify` when it changes.

        Raises:
            TimeoutError: If neither happens within `AHEAD_S` seconds.

        """
        before = self.checks
        self.check_due.set()
        self._requests += 1
        try:
            async with asyncio.timeout(AHEAD_S):
                while after.seq > head() and self._ended <= before:
                    await self._progress.wait()
        finally:
            self._requests -= 1

    def notify(self) -> None:
        """Wake the history requests that wait: the log or the result of a check is new."""
        if self._requests:
            self._progress.set()
            self._progress = asyncio.Event()

    def end_check(self, check: int) -> list[Follower]:
        """End a check that found no further entries. Return the followers that it refutes, as `unconfirmed` does."""
        self._ended = check
        self.notify()
        return self.unconfirmed(check)

    def reached(self, head: int) -> list[Follower]:
        """Return the followers whose entry is now in the log."""
        return [follower for follower, waiting in self.items() if waiting.after.seq <= head]

    def unconfirmed(self, check: int) -> list[Follower]:
        """Return the followers that came before this check, which found no further entries.

        They have seen another history. A follower that came after the check started may have seen a newer entry.
        """
        return [follower for follower, waiting in self.items() if waiting.checks < check]

    def overdue(self, now: float) -> list[Follower]:
        """Return the followers that have waited too long."""
        return [follower for follower, waiting in self.items() if waiting.since + AHEAD_S <= now]
