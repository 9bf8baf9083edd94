"""Each function runs one scenario with one subject, and returns its measures by name. The name ends with the unit."""

from __future__ import annotations

import tempfile
import time
from math import ceil
from typing import Final

import msgspec

from benchmarks.load import Load, Report
from benchmarks.log_writer import LogWriter
from benchmarks.machine import Cores
from benchmarks.product import Gateway, Stage
from benchmarks.programs import BenchError
from benchmarks.subject import Subject
from benchmarks.yardsticks import record_replay, replaying_loop

SETTLE_S: Final = 0.3
BEHIND: Final = 50
STORM_WINDOW: Final = 4_000
"""Handshakes in progress at the same time in a storm: as many as a listen queue holds."""
POLLS_SPARE: Final = 2


class Effort(msgspec.Struct, frozen=True):
    """The size of a run. Times are in seconds."""

    connections: int
    rounds: int
    steady_entries: int = 6
    steady_every_s: float = 1.0
    burst_entries: int = 300
    burst_s: float = 0.3
    burst_wait_s: float = 5.0
    """Maximum time for a burst. If a server needs longer, what it delivered by then counts."""
    patience_s: float = 8.0
    """Maximum time for anything else that should take much less."""
    idle_s: float = 25.0
    """The heartbeat interval, so that each follower gets one heartbeat."""
    posts: int = 9
    submissions: int = 100
    log_entries: int = 10_000


class Measured(msgspec.Struct, frozen=True):
    """Measures by name, and the followers' report."""

    measures: dict[str, float]
    report: Report


def connect(subject: Subject, load: Load, effort: Effort) -> dict[str, float]:
    """Open all followers, as fast as the server accepts them."""
    before = subject.process.cpu_s()
    opened = load.open(effort.connections, [subject.path])
    if opened.refused:
        raise BenchError(f"{subject.name} refused {opened.refused} followers: {opened.refusal!r}")
    subject.process.settle()
    return {
        "connect_cpu_us": (subject.process.cpu_s() - before) / opened.ready * 1e6,
        "connect_per_s": opened.ready / opened.seconds,
    }


def steady(subject: Subject, load: Load, writer: LogWriter, effort: Effort, readers: int) -> Measured:
    """Post one entry per second. `readers` of the followers read."""
    due = effort.steady_entries * readers
    load.reset()
    load.expect(due)
    cpu_s, begun = subject.process.cpu_s(), time.monotonic()
    for number in range(effort.steady_entries):
        _sleep_until(begun + number * effort.steady_every_s)
        subject.post(writer.write())
    _sleep_until(begun + effort.steady_entries * effort.steady_every_s)
    if not load.await_deliveries(2 * effort.patience_s):
        raise BenchError(f"{subject.name} made only {load.report().deliveries} of {due} deliveries: it can't keep up")
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


def burst(subject: Subject, load: Load, writer: LogWriter, effort: Effort) -> Measured:
    """Post many entries in a short time. Count the deliveries within `burst_wait_s`."""
    load.reset()
    load.expect(effort.burst_entries * effort.connections)
    cpu_s, begun, begun_ns = subject.process.cpu_s(), time.monotonic(), time.monotonic_ns()
    for number in range(effort.burst_entries):
        _sleep_until(begun + number * effort.burst_s / effort.burst_entries)
        subject.post(writer.write())
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
    """Measure the server's memory per connection, after traffic."""
    return {"memory_bytes": (subject.process.memory_bytes() - before_bytes) / effort.connections}


def idle(stage: Stage, load: Load, effort: Effort) -> tuple[Measured, dict[str, float]]:
    """Send only heartbeats. Return the measures, and the rate per second of each Redis command during that time."""
    load.reset()
    calls, cpu_s, begun = stage.store.calls(), stage.gateway.process.cpu_s(), time.monotonic()
    time.sleep(effort.idle_s)
    seconds = time.monotonic() - begun
    share = (stage.gateway.process.cpu_s() - cpu_s) / seconds
    rates = {name: (count - calls.get(name, 0)) / seconds for name, count in stage.store.calls().items()}
    report = load.report()
    return Measured({"idle_share": share, "idle_beats": report.heartbeats / effort.connections}, report), rates


def storm(stage: Stage, load: Load, effort: Effort, idle_rates: dict[str, float]) -> Measured:
    """Reconnect all followers together, each some entries behind. Redis commands at their idle rate don't count."""
    calls, begun = stage.store.calls(), time.monotonic()
    measured = reconnect(stage.gateway, load, effort, storm_path(stage), stage.writer.head - BEHIND + 1)
    seconds = time.monotonic() - begun
    sent = {name: count - calls.get(name, 0) for name, count in stage.store.calls().items()}
    extra = sum(max(0, count - ceil(idle_rates.get(name, 0) * seconds) - POLLS_SPARE) for name, count in sent.items())
    return Measured(measured.measures | {"storm_commands": float(extra)}, measured.report)


def storm_yardstick(stage: Stage, cores: Cores, effort: Effort) -> dict[str, float]:
    """Measure the same storm with a C loop. It sends the bytes that the gateway sends."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(record_replay(stage.gateway.port, storm_path(stage)))
        file.flush()
        with replaying_loop(cores, file.name) as subject:
            subject.dialect = stage.gateway.dialect
            with Load(subject.port, subject.dialect, {cores.load}) as load:
                return reconnect(subject, load, effort, subject.path, stage.writer.head - BEHIND + 1).measures


def storm_path(stage: Stage) -> str:
    """Return the path of a follower that is `BEHIND` entries behind."""
    return f"{stage.gateway.path}?after={stage.writer.position(stage.writer.head - BEHIND)}"


def reconnect(
    subject: Subject, load: Load, effort: Effort, path: str, next_seq: int, window: int = STORM_WINDOW
) -> Measured:
    """Reconnect all followers together, with `window` handshakes in progress.

    Raises:
        BenchError: If a follower was refused, or didn't get the entries that it missed.

    """
    load.reset()
    cpu_s = subject.process.cpu_s()
    opened = load.open(effort.connections, [path], window=window, next_seq=next_seq)
    if opened.refused:
        raise BenchError(f"{subject.name} refused {opened.refused} followers when they reconnected: {opened.refusal!r}")
    subject.process.settle()
    cpu_s = subject.process.cpu_s() - cpu_s
    report = load.report()
    due = BEHIND * opened.ready
    if (report.deliveries, report.lives) != (due, opened.ready):
        raise BenchError(
            f"{subject.name}: {report.deliveries} of {due} entries were replayed, {report.lives} followers went live"
        )
    return Measured(
        {
            "storm_cpu_us": cpu_s / opened.ready * 1e6,
            "storm_seconds": opened.seconds,
            "storm_p99_ms": opened.opening.p99 / 1e6,
        },
        report,
    )


def disconnect(gateway: Gateway, load: Load) -> None:
    """Close all followers, and wait until the server has processed that."""
    load.close_all()
    gateway.process.settle()


def check_order(measured: Measured, name: str) -> None:
    """Check that the server lost, repeated and reordered nothing.

    Raises:
        BenchError: If it did: its figures don't count.

    """
    report = measured.report
    if report.lost or report.repeated or report.closed or report.resets:
        raise BenchError(
            f"{name}: {report.lost} lines were lost, {report.repeated} were repeated or out of order, "
            f"{report.resets} boards replaced missed lines, and {report.closed} followers were closed "
            f"(code {report.close_code}): these figures don't count"
        )


def _sleep_until(instant: float) -> None:
    if (left := instant - time.monotonic()) > 0:
        time.sleep(left)
