"""Measure what followers cost on this machine, with three numbers of followers. It takes about half a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ticker.capacity import counters
from ticker.capacity.model import Costs, Machine, cpu_per_line_of, p99_of
from ticker.capacity.own_system import OwnSystem, own_system
from ticker.core.errors import TickerError

SHARES: Final = (4, 2, 1)
"""Each step has the wanted number of followers divided by one of these. The first two steps predict the third."""
DISTURBED: Final = 2.5
"""On a quiet machine, the followers themselves make lines about half as late again: they share the cores."""
ARRIVAL_S: Final = 10.0
SPARE_FILES: Final = 200
"""Files of the followers' process beside the connections."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How lines are posted in each step."""

    lines: int = 5
    warm_up: int = 2
    """Lines before the first step, which aren't measured."""
    interval_s: float = 1.0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The measurement with one number of followers."""

    followers: int
    cpu_per_line_s: float
    first_s: float
    """The median over the lines: time until the first follower had it."""
    p99_s: float
    """The median over the lines: time until 99 of 100 followers had it."""
    process_bytes: int
    kernel_bytes: int


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The prediction from the first two steps for the third, and the measurement of the third."""

    followers: int
    predicted_cpu_per_line_s: float
    measured_cpu_per_line_s: float
    predicted_p99_s: float
    measured_p99_s: float

    @property
    def is_disturbed(self) -> bool:
        """Whether lines arrived much later than predicted, because other programs used the CPU."""
        return self.measured_p99_s > DISTURBED * self.predicted_p99_s


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a measurement."""

    machine: Machine
    costs: Costs
    steps: tuple[Step, ...]
    check: Check
    seconds: float


async def measure(
    environ: Mapping[str, str], followers: int, tell: Callable[[str], None], pace: Pace | None = None
) -> Measured:
    """Measure with a quarter of `followers`, with half, and with all. Then close all, and let them return together.

    Args:
        environ: The environment for the processes. Variables of Ticker are left out.
        followers: The largest number of followers to open.
        tell: Called with the name of each step.
        pace: How lines are posted.

    Raises:
        TickerError: If a part doesn't start, or followers are lost.

    """
    pace = pace or Pace()
    started = time.monotonic()
    tell("starting a gateway and a Redis of its own …")
    async with own_system(environ) as system:
        memory = counters.available_bytes()
        empty = _memory(system)
        steps: list[Step] = []
        for share in SHARES:
            count = max(followers // share, 1)
            tell(f"{count:,} followers …")
            steps.append(await _step(system, count, pace, warm_up=0 if steps else pace.warm_up))
        tell(f"{followers:,} followers return …")
        return_s = await _return_cost(system, followers)
        machine = Machine(cores=counters.cores(), memory_bytes=memory, files=system.files)
    first, second, third = steps
    return Measured(
        machine=machine,
        costs=costs_of(first, third, empty, return_s),
        steps=tuple(steps),
        check=_compare(costs_of(first, second, empty, return_s), third),
        seconds=time.monotonic() - started,
    )


def _compare(costs: Costs, step: Step) -> Check:
    """Compare a step with what the costs of smaller ones predict."""
    return Check(
        followers=step.followers,
        predicted_cpu_per_line_s=cpu_per_line_of(costs, step.followers, 1),
        measured_cpu_per_line_s=step.cpu_per_line_s,
        predicted_p99_s=p99_of(costs, step.followers, 1),
        measured_p99_s=step.p99_s,
    )


def costs_of(small: Step, large: Step, empty: tuple[int, int], return_s: float) -> Costs:
    """Return the costs that explain two steps. Pure.

    The line through both has what a delivery costs as its slope. If other programs disturbed a step so much that it
    isn't a cost, all of the larger step's CPU time counts for its deliveries.

    Args:
        small: The step with fewer followers.
        large: The step with more followers.
        empty: The memory of the gateway and of the kernel before the first follower.
        return_s: The CPU time per follower that returns.

    """
    process, kernel = empty
    slope = (large.cpu_per_line_s - small.cpu_per_line_s) / (large.followers - small.followers)
    idle_s = large.cpu_per_line_s - slope * large.followers
    if slope <= 0 or idle_s < 0:
        slope, idle_s = large.cpu_per_line_s / large.followers, 0.0
    return Costs(
        delivery_s=slope,
        idle_s=idle_s,
        line_s=large.first_s,
        return_s=return_s,
        process_bytes=max(large.process_bytes - process, 0) / large.followers,
        # Both ends of each connection are in this kernel.
        kernel_bytes=max(large.kernel_bytes - kernel, 0) / large.followers / 2,
    )


def _memory(system: OwnSystem) -> tuple[int, int]:
    return counters.process_bytes(system.gateway), counters.kernel_bytes()


async def _step(system: OwnSystem, followers: int, pace: Pace, *, warm_up: int) -> Step:
    opened = await system.open(followers - await system.open(0))
    if opened < followers:
        raise TickerError(f"only {opened:,} of {followers:,} followers could connect: try again with fewer --followers")
    for _ in range(warm_up):
        await _line(system, followers, pace.interval_s)
    before = counters.cpu_s(system.gateway)
    lines = [await _line(system, followers, pace.interval_s) for _ in range(pace.lines)]
    used = counters.cpu_s(system.gateway) - before
    process, kernel = _memory(system)
    return Step(
        followers=followers,
        cpu_per_line_s=used / pace.lines,
        first_s=_median([first for first, _ in lines]),
        p99_s=_median([p99 for _, p99 in lines]),
        process_bytes=process,
        kernel_bytes=kernel,
    )


async def _line(system: OwnSystem, followers: int, interval_s: float) -> tuple[float, float]:
    """Post a line, and wait for the rest of the interval. Return when the first and 99 of 100 followers had it.

    Raises:
        TickerError: If a follower was lost, or lacks the line after `ARRIVAL_S`.

    """
    started = time.monotonic()
    await system.post()
    await asyncio.sleep(started + interval_s - time.monotonic())
    reports = [await system.report()]
    while (arrived := sum(each.deliveries for each in reports)) < followers:
        if closed := sum(each.closed for each in reports):
            raise TickerError(f"the gateway closed {closed} connections: is this machine overloaded?")
        if time.monotonic() > started + ARRIVAL_S:
            raise TickerError(
                f"only {arrived:,} of {followers:,} followers had the line in time: try fewer --followers"
            )
        await asyncio.sleep(0.2)
        reports.append(await system.report())
    first = next(each.first_s for each in reports if each.first_s is not None)
    last = next(each.p99_s for each in reversed(reports) if each.p99_s is not None)
    return first, last


async def _return_cost(system: OwnSystem, followers: int) -> float:
    """Close all followers and open them again. Return the CPU time per follower."""
    before = counters.cpu_s(system.gateway)
    await system.drop()
    opened = await system.open(followers)
    if opened < followers:
        raise TickerError(f"only {opened:,} of {followers:,} followers came back: try again with fewer --followers")
    return (counters.cpu_s(system.gateway) - before) / followers


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
