"""Measure one gateway process, and then compare several with the model's prediction."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

import msgspec

from benchmarks import scenarios
from benchmarks.load import Load as Followers
from benchmarks.log_writer import EDITION
from benchmarks.machine import Cores
from benchmarks.product import Stage
from benchmarks.programs import BenchError
from benchmarks.scaling.model import TARGET_S, predict
from benchmarks.scaling.results import Fleet, Load, Unit
from benchmarks.scenarios import Effort, check_order
from benchmarks.subject import fetch
from ticker.capacity import counters
from ticker.capacity.measurement import Step, costs_of
from ticker.store.keys import Keys
from ticker.store.reach import Report

WORKERS: Final = (1, 2, 4, 8)
REPORTS_S: Final = 5.0
RETURN_WINDOW: Final = 1_000
"""Handshakes in progress at the same time: fewer than a listen queue holds, also on a busy machine."""
FEW: Final = 10
"""So few followers that a line takes as long as without any."""
OURS: Final = 2
"""Connections to Redis of the benchmark itself: one that appends, and one for everything else."""
POLITE: Final = 19
"""The followers' priority if they share the gateways' cores: then writes are measured, and not how fast they read."""


class Steady(msgspec.Struct, frozen=True):
    """Lines that were posted one per interval. Times are medians over the lines."""

    cpu_per_line_s: float
    last_s: float
    frame_bytes: float


class System:
    """A system with its followers."""

    def __init__(self, stage: Stage, followers: Followers, effort: Effort) -> None:
        self.stage = stage
        self.followers = followers
        self.effort = effort
        self._open = 0

    def open(self, count: int) -> float:
        """Open followers until `count` are open. Return the CPU time of the gateways per new follower."""
        more = msgspec.structs.replace(self.effort, connections=count - self._open)
        self._open = count
        return scenarios.connect(self.stage.gateway, self.followers, more)["connect_cpu_us"] / 1e6

    def steady(self) -> Steady:
        """Post lines at the effort's interval to all followers."""
        first = self.stage.writer.head + 1
        measured = scenarios.steady(self.stage.gateway, self.followers, self.stage.writer, self.effort, self._open)
        check_order(measured, "gateway")
        return Steady(
            measured.measures["steady_cpu_us"] / 1e6 * self._open,
            self._last_s(first),
            measured.measures["frame_bytes"],
        )

    def step(self) -> Step:
        """Post lines, and return what they and the followers cost."""
        steady = self.steady()
        memory = self.stage.gateway.process.memory_bytes()
        return Step(
            followers=self._open,
            cpu_per_line_s=steady.cpu_per_line_s,
            first_s=0.0,
            p99_s=steady.last_s,
            process_bytes=memory,
            kernel_bytes=counters.kernel_bytes(),
        )

    def come_back(self) -> float:
        """Close all followers, and open as many that missed some lines. Return the gateways' CPU time per follower.

        Raises:
            BenchError: If a follower was refused, or didn't get the lines that it missed.

        """
        scenarios.disconnect(self.stage.gateway, self.followers)
        all_open = msgspec.structs.replace(self.effort, connections=self._open)
        path, following = scenarios.storm_path(self.stage), self.stage.writer.head - scenarios.BEHIND + 1
        done = scenarios.reconnect(self.stage.gateway, self.followers, all_open, path, following, RETURN_WINDOW)
        return done.measures["storm_cpu_us"] / 1e6

    def connections(self) -> int:
        """Return how many connections to Redis the gateways have."""
        found: Any = self.stage.store.redis.info("clients")
        return int(found["connected_clients"]) - OURS

    def _last_s(self, first: int) -> float:
        """Return the time until a line was written to the last follower, from the gateways' reports of their reach."""
        until = time.monotonic() + REPORTS_S
        wanted = range(first, self.stage.writer.head + 1)
        while True:
            reports = self._reports()
            reached = [[one for one in reports if one.first <= seq <= one.last] for seq in wanted]
            if all(sum(one.followers for one in each) >= self._open for each in reached):
                return median(max(one.ms for one in each) for each in reached) / 1e3
            if time.monotonic() > until:
                raise BenchError("the gateways didn't report how many followers they reached")
            time.sleep(0.05)

    def _reports(self) -> list[Report]:
        rows: Any = self.stage.store.redis.xrevrange(Keys(EDITION).reach, count=200)
        return [msgspec.json.decode(fields[b"report"], type=Report) for _, fields in rows]


@contextmanager
def system(cores: Cores, effort: Effort, workers: int = 1) -> Iterator[System]:
    """Start a system with `workers` gateway processes: one has a core of its own, several share both with the rest."""
    with Stage(cores, workers=workers) as stage:
        followers = Followers(stage.gateway.port, stage.gateway.dialect, {cores.load} if workers == 1 else cores.both)
        with followers:
            if workers > 1:
                os.setpriority(os.PRIO_PROCESS, followers.process.pid, POLITE)
                _spread_over(sorted(cores.both), stage.gateway.process.pids()[1:])
            yield System(stage, followers, effort)


def _spread_over(cores: Sequence[int], workers: Sequence[int]) -> None:
    """Give each worker one core, in turn. The scheduler may leave two of them on one core for a whole pass."""
    for number, pid in enumerate(workers):
        os.sched_setaffinity(pid, {cores[number % len(cores)]})


def measure_unit(cores: Cores, effort: Effort, log: Callable[[str], None]) -> Unit:
    """Measure one gateway process with few followers, and with all of them. Then all return together."""
    log(f"one gateway process, {effort.connections:,} followers")
    with system(cores, effort) as one:
        gateway, followers = one.stage.gateway, one.followers
        empty = gateway.process.memory_bytes(), counters.kernel_bytes()
        one.open(FEW)
        one.steady()  # the first lines find cold caches
        few = one.step()
        open_s = one.open(effort.connections)
        large = one.step()
        again = one.steady()
        burst = scenarios.burst(gateway, followers, one.stage.writer, effort)
        check_order(burst, "gateway")
        return_s = one.come_back()
        tail = fetch(f"{gateway.url}/v1/{EDITION}/tail").encode()
        connections = one.connections()
    # One measurement of some seconds varies by a tenth, even on a quiet machine.
    large = msgspec.structs.replace(large, cpu_per_line_s=(large.cpu_per_line_s + again.cpu_per_line_s) / 2)
    costs = costs_of(few, large, empty, return_s)
    if not (costs.kernel_bytes and costs.idle_s):
        raise BenchError("other programs used the machine so much that costs came out as zero")
    burst_s = burst.measures["burst_cpu_us"] / 1e6
    return Unit(
        followers=effort.connections,
        behind=scenarios.BEHIND,
        costs=msgspec.structs.replace(costs, line_s=few.p99_s),
        open_s=open_s,
        burst_s=burst_s,
        byte_s=burst_s / again.frame_bytes,
        frame_bytes=again.frame_bytes,
        base_bytes=empty[0],
        tail_bytes=len(zlib.compress(tail)),
        connections=connections,
    )


def measure_fleet(unit: Unit, workers: int, cores: Cores, effort: Effort, log: Callable[[str], None]) -> Fleet:
    """Predict what some processes need, from the costs of one. Then measure it."""
    count = min(workers, len(cores.both))
    predicted = predict(unit, effort.connections, workers, count)
    log(f"{workers} gateway processes, {effort.connections:,} followers, and {predicted.within:,}")
    steps: dict[int, Step] = {}
    with system(cores, effort, workers) as some:
        kernel = counters.kernel_bytes()
        for followers in sorted({min(max(predicted.within, FEW), effort.connections * 6 // 5), effort.connections}):
            some.open(followers)
            steps[followers] = some.step()
    step = steps[effort.connections]
    (other,) = [each for followers, each in steps.items() if followers != effort.connections] or [step]
    pace = other.followers / max(other.p99_s - unit.costs.line_s, 1e-9)
    measured = Load(
        delivery_s=step.cpu_per_line_s / effort.connections,
        last_s=step.p99_s,
        process_bytes=step.process_bytes,
        kernel_bytes=(step.kernel_bytes - kernel) / 2,
        within=int((TARGET_S - unit.costs.line_s) * pace),
    )
    return Fleet(workers=workers, cores=count, followers=effort.connections, predicted=predicted, measured=measured)
