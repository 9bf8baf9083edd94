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
    """Does work at once while the turn lasts, and what is left in the next steps of the loop, in the order it came."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._until: float | None = None  # when the turn of this step of the loop ends

    def take(self, work: Callable[[], None]) -> None:
        """Do `work`, now or when it is its turn. It must bear that its connection has gone meanwhile."""
        now = self._clock()
        if self._until is None:
            self._until = now + TURN_S
            asyncio.get_running_loop().call_soon(self._go_on)
        if self._waiting or now >= self._until:
            self._waiting.append(work)
        else:
            work()

    def _go_on(self) -> None:
        until = self._until = self._clock() + TURN_S
        try:
            while self._waiting and self._clock() < until:
                self._waiting.popleft()()
        finally:
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._go_on)
            else:
                self._until = None
