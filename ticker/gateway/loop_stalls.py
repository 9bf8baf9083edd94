"""Measures how late the event loop is, for the metrics."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

BUSY_S: Final = 0.02
IDLE_S: Final = 0.25
"""Intervals between two measurements. Waking an idle process costs more than all heartbeats, so an idle one is measured
less often."""
BOUNDS_S: Final = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0),
)
"""Upper bounds of the histogram's buckets, in seconds."""


class LoopStalls:
    """A histogram of the event loop's delays. Reading it changes nothing, so any number of scrapers may read it.

    Attributes:
        counts: The number of measurements in each bucket. The last bucket is unbounded.
        total_s: The sum of all delays.

    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    def add(self, delay_s: float) -> None:
        """Count a delay."""
        self.counts[bisect_left(BOUNDS_S, delay_s)] += 1
        self.total_s += delay_s

    async def watch(self, progress: Callable[[], int]) -> None:
        """Measure until cancelled. `progress` returns a number that changes while the process is busy."""
        loop = asyncio.get_running_loop()
        after = -1
        while True:
            before, after = after, progress()
            due = loop.time() + (IDLE_S if after == before else BUSY_S)
            await asyncio.sleep(due - loop.time())
            self.add(max(loop.time() - due, 0.0))
