"""One measurement each, of one subject with its followers connected. Each gives measures by name, with their unit."""

from __future__ import annotations

import time
from math import ceil
from typing import Final

import msgspec

from benchmarks.load import Load, Report
from benchmarks.newsroom import Newsroom
from benchmarks.product import Gateway, Stage
from benchmarks.programs import BenchError
from benchmarks.subject import Subject

SETTLE_S: Final = 0.3
BEHIND: Final = 50
STORM_WINDOW: Final = 4_000
"""Handshakes under way at a time in a storm: as many as a listen queue holds."""
POLLS_SPARE: Final = 2


class Effort(msgspec.Struct, frozen=True):
    """How much is measured. Times in seconds."""

    connections: int
    rounds: int
    steady_entries: int = 6
    steady_every_s: float = 1.0
    burst_entries: int = 300
    burst_s: float = 0.3
    burst_wait_s: float = 5.0
    """How long a burst is waited for: who needs longer is measured by what it has delivered until then."""
    patience_s: float = 8.0
    """How long everything else is waited for that should take much less."""
    idle_s: float = 25.0
    """As long as the interval of heartbeats, so that each follower is sent one."""
    posts: int = 9
    submissions: int = 100
    log_entries: int = 10_000


class Measured(msgspec.Struct, frozen=True):
    """Measures by name, and what the followers saw."""

    measures: dict[str, float]
    report: Report


def connect(subject: Subject, load: Load, effort: Effort) -> dict[str, float]:
    """Open all followers, as fast as the server takes them."""
    before = subject.process.cpu_s()
    opened = load.open(effort.connections, [subject.path])
    if opened.refused:
        raise BenchError(f"{subject.name} refused {opened.refused} followers: {opened.refusal!r}")
    subject.process.settle()
    return {
        "connect_cpu_us": (subject.process.cpu_s() - before) / opened.ready * 1e6,
        "connect_per_s": opened.ready / opened.seconds,
    }


def steady(subject: Subject, load: Load, newsroom: Newsroom, effort: Effort, readers: int) -> Measured:
    """An entry a second. `readers` of the followers read."""
    due = effort.steady_entries * readers
    load.reset()
    load.expect(due)
    cpu_s, begun = subject.process.cpu_s(), time.monotonic()
    for number in range(effort.steady_entries):
        _sleep_until(begun + number * effort.steady_every_s)
        subject.post(newsroom.write())
    _sleep_until(begun + effort.steady_entries * effort.steady_every_s)
    if not load.await_deliveries(2 * effort.patience_s):
        raise BenchError(f"{subject.name} made {load.report().deliveries} of {due} deliveries: it can't keep up")
    cpu_s = subject.process.cpu_s() - cpu_s
    report = load.report()
    return Measured(
        {
            "steady_cpu_us": cpu_s / due * 1e6,
            "steady_per_cpu_s": due / cpu_s,
            "steady_p50_ms": report.latency.p50 / 1e6,
            "steady_p99_ms": report.latency.p99 / 1e6,
            "steady_joined_share": max(0.0, 1 - report.reads / due),
            "steady_load_share": report.cpu_s / report.seconds,
            "frame_bytes": report.bytes / report.deliveries,
        },
        report,
    )


def burst(subject: Subject, load: Load, newsroom: Newsroom, effort: Effort) -> Measured:
    """Many entries at once, and what was delivered within the time that we wait."""
    load.reset()
    load.expect(effort.burst_entries * effort.connections)
    cpu_s, begun, begun_ns = subject.process.cpu_s(), time.monotonic(), time.monotonic_ns()
    for number in range(effort.burst_entries):
        _sleep_until(begun + number * effort.burst_s / effort.burst_entries)
        subject.post(newsroom.write())
    load.await_deliveries(effort.burst_wait_s)
    cpu_s = subject.process.cpu_s() - cpu_s
    report = load.report()
    return Measured(
        {
            "burst_per_s": report.deliveries / max(report.last_at - begun_ns, 1) * 1e9,
            "burst_p99_ms": report.latency.p99 / 1e6,
            "burst_delivered_share": report.deliveries / (effort.burst_entries * effort.connections),
            "burst_cpu_us": cpu_s / max(report.deliveries, 1) * 1e6,
            "burst_load_share": report.cpu_s / report.seconds,
        },
        report,
    )


def memory(subject: Subject, before_bytes: int, effort: Effort) -> dict[str, float]:
    """What a connection has cost the server, after traffic."""
    return {"memory_bytes": (subject.process.memory_bytes() - before_bytes) / effort.connections}


def idle(stage: Stage, load: Load, effort: Effort) -> tuple[Measured, dict[str, float]]:
    """Nothing but heartbeats; and how often a second each command reaches Redis meanwhile."""
    load.reset()
    calls, cpu_s, begun = stage.store.calls(), stage.gateway.process.cpu_s(), time.monotonic()
    time.sleep(effort.idle_s)
    seconds = time.monotonic() - begun
    share = (stage.gateway.process.cpu_s() - cpu_s) / seconds
    rates = {name: (count - calls.get(name, 0)) / seconds for name, count in stage.store.calls().items()}
    report = load.report()
    return Measured({"idle_share": share, "idle_beats": report.heartbeats / effort.connections}, report), rates


def storm(stage: Stage, load: Load, effort: Effort, idle_rates: dict[str, float]) -> Measured:
    """Everybody comes back at once, each some entries behind. What Redis is asked all the time isn't the storm's."""
    gateway, newsroom = stage.gateway, stage.newsroom
    after = newsroom.head - BEHIND
    load.reset()
    calls, cpu_s, begun = stage.store.calls(), gateway.process.cpu_s(), time.monotonic()
    opened = load.open(
        effort.connections,
        [f"{gateway.path}?after={newsroom.position(after)}"],
        window=STORM_WINDOW,
        next_seq=after + 1,
    )
    if opened.refused:
        raise BenchError(f"{opened.refused} followers that came back were refused: {opened.refusal!r}")
    gateway.process.settle()
    cpu_s, seconds = gateway.process.cpu_s() - cpu_s, time.monotonic() - begun
    asked = {name: count - calls.get(name, 0) for name, count in stage.store.calls().items()}
    extra = sum(max(0, count - ceil(idle_rates.get(name, 0) * seconds) - POLLS_SPARE) for name, count in asked.items())
    report = load.report()
    due = BEHIND * opened.ready
    if (report.deliveries, report.lives) != (due, opened.ready):
        raise BenchError(f"{report.deliveries} of {due} entries were replayed, {report.lives} followers went live")
    return Measured(
        {
            "storm_cpu_us": cpu_s / opened.ready * 1e6,
            "storm_seconds": opened.seconds,
            "storm_p99_ms": opened.opening.p99 / 1e6,
            "storm_commands": float(extra),
        },
        report,
    )


def disconnect(gateway: Gateway, load: Load) -> None:
    """Close all followers, and wait until the server is done with it."""
    load.close_all()
    gateway.process.settle()


def check_order(measured: Measured, name: str) -> None:
    """Refuse to take figures of a server that lost, repeated or reordered anything.

    Raises:
        BenchError: If it did.

    """
    report = measured.report
    if report.lost or report.repeated or report.closed or report.resets:
        raise BenchError(
            f"{name}: {report.lost} lines were lost and {report.repeated} came again or out of order, "
            f"{report.resets} boards replaced what was missed, {report.closed} followers were closed "
            f"(code {report.close_code}): such figures don't count"
        )


def _sleep_until(instant: float) -> None:
    if (left := instant - time.monotonic()) > 0:
        time.sleep(left)
