"""Time slices: bounded work per event loop iteration.

libuv reports the events of up to 49,000 sockets before it returns to the event loop. Without time slices, thousands of
connections that open or close together would block everything else until all of them are handled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

SLICE_S: Final = 0.004
"""Length of a time slice. The work item that exceeds it is still finished."""


class TimeSlices:
    """Run work immediately while the current time slice lasts, and the rest in later iterations of the event loop.

    Work runs in the order in which it was added.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._ends_at: float | None = None  # end of the slice in this iteration of the loop

    def run(self, work: Callable[[], None]) -> None:
        """Call `work` now or in a later time slice. Its connection may be gone by then."""
        now = self._clock()
        if self._ends_at is None:
            self._ends_at = now + SLICE_S
            asyncio.get_running_loop().call_soon(self._next_slice)
        if self._waiting or now >= self._ends_at:
            self._waiting.append(work)
        else:
            work()

    def _next_slice(self) -> None:
        ends_at = self._ends_at = self._clock() + SLICE_S
        try:
            while self._waiting and self._clock() < ends_at:
                self._waiting.popleft()()
        finally:
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next_slice)
            else:
                self._ends_at = None
