"""How many followers a machine carries, computed from what one follower costs. Pure; docs/scaling.md explains it.

The model has four limits, and the smallest one decides:

- CPU: each line is one delivery per follower. All deliveries of a line take `followers * delivery_s` of CPU time. They
  are spread over the gateways' processes, each of which uses one core at most. `idle_s` per line and process comes on
  top.
- latency: a pass serves the followers one after the other, so the last ones of a process wait for all others in it.
- memory: of the process, and of the kernel for the connection.
- files: one per follower.

It assumes that followers are spread evenly over the processes, and that nothing else needs the cores. The cost of a
delivery grows with the number of followers, because caches miss more often: `MARGIN` covers that up to some 100,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

MARGIN: Final = 0.7
"""The share of CPU, time and memory that is planned for. The rest is for growth, and for bursts of lines."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """The measured costs of followers."""

    delivery_s: float
    """CPU time of a gateway per delivery: one line at one follower."""
    idle_s: float
    """CPU time of a process per line that doesn't depend on its followers: reading the log, timers, metrics."""
    line_s: float
    """Time from the posting of a line to the first follower."""
    return_s: float
    """CPU time of a gateway per follower that leaves and comes back, with a new board."""
    process_bytes: float
    """Memory of the gateway per follower."""
    kernel_bytes: float
    """Memory of the kernel per follower, without the follower's own end of the connection."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The resources of a machine that its gateways can use."""

    cores: int
    memory_bytes: int
    files: int
    """How many followers a process can have by its limit of open files."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The load to plan for.

    Attributes:
        workers: The number of processes.
        interval_s: Seconds between two lines.
        p99_s: Seconds within which 99 of 100 followers have a line.
        handshakes_per_s: The setting: how many followers a process admits per second. 0 means no limit.

    """

    workers: int
    interval_s: float = 1.0
    p99_s: float = 1.0
    handshakes_per_s: int = 2_000


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The number of followers that a machine carries, and the load that they cause."""

    followers: int
    first_limit: str
    """The name of the smallest of `limits`."""
    limits: Mapping[str, int]
    """The number of followers at which each limit is reached."""
    p99_s: float
    """The latency that is expected with `followers`."""
    cores: float
    """How many cores are busy on average with `followers`."""
    memory_bytes: int
    storm_s: float
    """How long it takes until all `followers` are back after all of them were lost."""


def predict(costs: Costs, machine: Machine, plan: Plan) -> Prediction:
    """Return how many followers the machine carries under the plan, and what then happens."""
    parallel = parallel_of(machine, plan)
    patience_s = max(plan.p99_s - costs.line_s, 0.0)
    limits = {
        "CPU": _room(MARGIN * plan.interval_s * parallel - plan.workers * costs.idle_s, costs.delivery_s),
        "latency": _room(MARGIN * patience_s * parallel, 0.99 * costs.delivery_s),
        "memory": int(MARGIN * machine.memory_bytes / (costs.process_bytes + costs.kernel_bytes)),
        "files": machine.files * plan.workers,
    }
    first = min(limits, key=lambda name: limits[name])
    followers = limits[first]
    return Prediction(
        followers=followers,
        first_limit=first,
        limits=limits,
        p99_s=p99_of(costs, followers, parallel),
        cores=cpu_per_line_of(costs, followers, plan.workers) / plan.interval_s,
        memory_bytes=int(followers * (costs.process_bytes + costs.kernel_bytes)),
        storm_s=storm_of(costs, followers, machine, plan),
    )


def parallel_of(machine: Machine, plan: Plan) -> int:
    """Return how many cores the processes can use at the same time."""
    return max(min(machine.cores, plan.workers), 1)


def _room(seconds: float, each_s: float) -> int:
    return max(int(seconds / each_s), 0)


def cpu_per_line_of(costs: Costs, followers: int, workers: int) -> float:
    """Return the CPU time of all processes for one line, in seconds."""
    return followers * costs.delivery_s + workers * costs.idle_s


def p99_of(costs: Costs, followers: int, parallel: int) -> float:
    """Return the seconds until 99 of 100 followers have a line."""
    return costs.line_s + 0.99 * followers * costs.delivery_s / parallel


def storm_of(costs: Costs, followers: int, machine: Machine, plan: Plan) -> float:
    """Return the seconds until all followers are back: limited by the CPU, or by `handshakes_per_s`."""
    by_cpu_s = followers * costs.return_s / parallel_of(machine, plan)
    by_setting_s = followers / (plan.handshakes_per_s * plan.workers) if plan.handshakes_per_s else 0.0
    return max(by_cpu_s, by_setting_s)
