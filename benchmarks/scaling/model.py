"""Compute what some followers need, from what one gateway process costs. Pure; docs/scaling.md has its tables.

The model has three rules. Each delivery costs the same CPU time. Each process adds a cost per line, and its own memory.
The processes serve their followers at the same time if there are as many cores.
"""

from __future__ import annotations

from typing import Final

from benchmarks.scaling.results import Load, Unit
from ticker.capacity.model import cpu_per_line_of

TARGET_S: Final = 0.075
"""A line is to be with the last follower within this time, in the comparison of prediction and measurement."""


def predict(unit: Unit, followers: int, workers: int, cores: int) -> Load:
    """Return what `workers` processes on `cores` cores need for `followers`."""
    return Load(
        delivery_s=cpu_per_line_of(unit.costs, followers, workers) / followers,
        last_s=last_of(unit, followers, workers, cores),
        process_bytes=workers * unit.base_bytes + followers * unit.costs.process_bytes,
        kernel_bytes=followers * unit.costs.kernel_bytes,
        within=followers_within(unit, TARGET_S, workers, cores),
    )


def last_of(unit: Unit, followers: int, workers: int, cores: int) -> float:
    """Return the seconds from the posting of a line until it is written to the last follower."""
    return unit.costs.line_s + followers * unit.costs.delivery_s / min(workers, cores)


def followers_within(unit: Unit, seconds: float, workers: int, cores: int) -> int:
    """Return how many followers get a line within some seconds. The inverse of `last_of`."""
    return max(int((seconds - unit.costs.line_s) * min(workers, cores) / unit.costs.delivery_s), 0)
