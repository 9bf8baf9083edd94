"""Followers whose position is ahead of the gateway's log.

Either another gateway was faster and the entry is about to come, or the follower has seen another history. The follower
isn't answered until one of the two is certain. If that takes too long, the follower is refused and retries later.
"""

from __future__ import annotations

import asyncio
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

    def add(self, follower: Follower, response: bytes, after: Position, now: float) -> None:
        """Let a follower wait, and request a check of the log."""
        self[follower] = Waiting(response, after, now, self.checks)
        self.check_due.set()

    def start_check(self) -> int:
        """Return the number of a new check, for `unconfirmed`."""
        self.check_due.clear()
        self.checks += 1
        return self.checks

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
