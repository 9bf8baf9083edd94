"""Turns: what comes for thousands of connections at once is done a few milliseconds at a time, and nobody waits longer.

libuv tells of everything that has happened on up to 49,000 descriptors before it lets the loop do anything else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

TURN_S: Final = 0.004
"""How long the work of a turn takes at most (and the last piece of it)."""


class Turns:
    """Does work at once while a turn lasts, and the rest in the next steps of the loop, in the order it came.

    That a turn is over is seen by the clock alone: the first work after it waits for the loop's next step, in which
    another turn begins. To look for that step each time would cost more than most of the work.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._until = clock()

    def take(self, work: Callable[[], None]) -> None:
        """Do `work`, now or when it is its turn. It must bear that its connection has gone meanwhile."""
        if not self._waiting and self._clock() < self._until:
            work()
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)
        self._waiting.append(work)

    def _begin(self) -> None:
        self._until = self._clock() + TURN_S
        try:
            while self._waiting and self._clock() < self._until:
                self._waiting.popleft()()
        finally:
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._begin)
