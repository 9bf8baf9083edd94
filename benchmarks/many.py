"""Measure hundreds of thousands of followers on this machine: `python -m benchmarks.many`.

It starts a gateway with several workers on one core, and load generators with all followers on another. It posts lines,
reconnects all followers together, and posts a withdrawal. After each step it checks that every follower has every line
exactly once. 15,000 followers of one worker, and the C loop with as many connections, are measured beside it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

import click

from benchmarks import many_report
from benchmarks.crowd import Crowd, Deadline
from benchmarks.kernel import kernel_memory, kernel_setting, meminfo
from benchmarks.log_writer import LogWriter, Posted
from benchmarks.machine import Cores, describe_machine, find_cores, raise_file_limit
from benchmarks.many_report import Line, Many, Result, Storm
from benchmarks.process import Process, move
from benchmarks.product import Gateway, Store
from benchmarks.programs import BUILD, BenchError, compile_program
from benchmarks.yardsticks import SharedLoop

FILES_SPARE: Final = 0.92
"""Share of the file limit that followers may use."""
YARDSTICK: Final = 15_000
BOTH_ENDS_BYTES: Final = 9_500
"""The memory of a follower: both ends of its connection in the kernel, the gateway's part, and the load generator's."""
PROCESS_BYTES: Final = 70 * 2**20
"""The memory of a worker and a load generator before the first follower, rounded up."""
SPARE_BYTES: Final = 2 * 2**30
WINDOW: Final = 512
BEHIND: Final = 3
START_S: Final = 120.0
REST_S: Final = 2.0
"""Between connecting and measuring."""


class Subject(Protocol):
    """A server with one or several processes."""

    path: str
    dialect: str
    port: int
    writer: LogWriter

    def processes(self) -> list[Process]: ...

    def post(self, posted: Posted) -> None: ...


class Ours:
    """A gateway with several workers, and its Redis."""

    def __init__(self, cores: Cores, workers: int, stack: ExitStack) -> None:
        self.writer = LogWriter()
        store = stack.enter_context(Store(cores))
        store.make_edition(self.writer)
        self._gateway = stack.enter_context(Gateway(store, cores.both, workers=workers, start_s=START_S))
        self.path, self.dialect, self.port = self._gateway.path, self._gateway.dialect, self._gateway.port

    def processes(self) -> list[Process]:
        return [self._gateway.process]

    def post(self, posted: Posted) -> None:
        self._gateway.post(posted)


class Measurement:
    """The measurement of one server."""

    def __init__(self, name: str, subject: Subject, crowd: Crowd, followers: int, cores: Cores) -> None:
        self._name = name
        self._subject = subject
        self._crowd = crowd
        self._followers = followers
        self._cores = cores

    def run(self, lines: int, *, storm: bool) -> Result:
        """Connect, post `lines` lines, then reconnect all, and post a withdrawal."""
        kernel, pss, own = kernel_memory(), self._pss(), self._crowd_pss()
        begun, cpu_s = time.monotonic(), self._cpu_s()
        with self._on_both_cores():
            self._log("connecting")
            self._crowd.open([self._subject.path], window=WINDOW)
        connect_s, connect_cpu_s = time.monotonic() - begun, self._cpu_s() - cpu_s
        time.sleep(REST_S)
        self._crowd.count_withdrawals()
        measured = [self._line(f"line {number + 1} of {lines}") for number in range(lines)]
        memory = kernel_memory().since(kernel)
        pss, own = self._pss() - pss, self._crowd_pss() - own
        storms = withdrawal = None
        fault = ""
        try:
            storms = self._storm() if storm else None
            withdrawal = self._line("withdrawal", withdraw=True)
        except BenchError as error:  # the lines before it count all the same
            fault = str(error)
        return Result(
            name=self._name,
            followers=self._followers,
            processes=len(self._workers()),
            connect_s=connect_s,
            connect_cpu_us=connect_cpu_s / self._followers * 1e6,
            lines=measured,
            storm=storms,
            withdrawal=withdrawal,
            pss_bytes=pss / self._followers,
            load_pss_bytes=own / self._followers,
            kernel=memory,
            fault=fault,
        )

    def _log(self, text: str) -> None:
        click.echo(f"{self._name}, {self._followers:,} followers: {text}", err=True)

    def _line(self, doing: str, *, withdraw: bool = False) -> Line:
        crowd, writer = self._crowd, self._subject.writer
        self._log(doing)
        crowd.reset(expect_lines=1)
        cpu_s = self._cpu_s()
        posted = writer.withdraw_last() if withdraw else writer.write()
        self._subject.post(posted)
        crowd.await_lines()
        cpu_s = self._cpu_s() - cpu_s
        counts = crowd.counts()
        withdrawn = self._followers if withdraw else 0
        if (counts.deliveries, counts.withdrawn, counts.faults) != (self._followers, withdrawn, 0):
            raise BenchError(f"{self._name}, {doing}: not every follower got it exactly once: {counts}")
        self._check_all(doing)
        line = Line(
            deliveries=counts.deliveries,
            heartbeats=counts.heartbeats,
            cpu_us=cpu_s / counts.deliveries * 1e6,
            load_cpu_us=counts.cpu_s / counts.deliveries * 1e6,
            longest_s=(counts.last_at - posted.posted_at) / 1e9,
        )
        self._log(f"every follower has it once: {line.cpu_us:.1f} µs per delivery, all after {line.longest_s:.2f} s")
        return line

    def _storm(self) -> Storm:
        """Close all followers, post some lines that they miss, and reconnect all from their position."""
        crowd, writer = self._crowd, self._subject.writer
        after = writer.head
        with self._on_both_cores():
            self._log("closing all, and posting what they miss")
            crowd.close_all()
            for _ in range(BEHIND):
                self._subject.post(writer.write())
            time.sleep(REST_S)
            self._log("reconnecting")
            crowd.reset(expect_lines=BEHIND)
            begun, cpu_s = time.monotonic(), self._cpu_s()
            path = f"{self._subject.path}?after={writer.position(after)}"
            crowd.open([path], window=WINDOW, next_seq=after + 1)
            crowd.await_lines()
            seconds, cpu_s = time.monotonic() - begun, self._cpu_s() - cpu_s
        counts = crowd.counts()
        if (counts.deliveries, counts.faults, counts.boards) != (BEHIND * self._followers, 0, 0):
            raise BenchError(f"{self._name}, storm: not every follower got what it had missed exactly once: {counts}")
        self._check_all("storm")
        time.sleep(REST_S)
        return Storm(behind=BEHIND, seconds=seconds, cpu_us=cpu_s / self._followers * 1e6)

    def _check_all(self, doing: str) -> None:
        if self._subject.dialect == "plain":  # the C loop sends no position when a follower connects
            return
        if (found := self._crowd.up_to_date(self._subject.writer.head + 1)) != self._followers:
            raise BenchError(f"{self._name}, {doing}: only {found:,} followers have all lines")

    @contextmanager
    def _on_both_cores(self) -> Iterator[None]:
        """Let everything run on both cores, because connecting isn't measured per core. Then separate it again."""
        servers = self._workers()
        loads = [load.process.pid for load in self._crowd.loads]
        move(servers + loads, self._cores.both)
        try:
            yield
        finally:
            move(servers, {self._cores.server})
            move(loads, {self._cores.load})

    def _workers(self) -> list[int]:
        return [pid for process in self._subject.processes() for pid in process.pids()]

    def _cpu_s(self) -> float:
        return sum(process.cpu_s() for process in self._subject.processes())

    def _pss(self) -> int:
        return sum(process.memory_bytes() for process in self._subject.processes())

    def _crowd_pss(self) -> int:
        return sum(load.memory_bytes() for load in self._crowd.loads)


class Runner:
    """Measures one server after another, until the deadline."""

    def __init__(self, cores: Cores, deadline: Deadline, lines: int) -> None:
        self._cores = cores
        self._deadline = deadline
        self._lines = lines

    def ours(self, followers: int, processes: int) -> Result:
        with ExitStack() as stack:
            subject = Ours(self._cores, processes, stack)
            return self._measure("gateway", subject, followers, processes, stack, storm=True)

    def c_loop(self, followers: int, processes: int) -> Result:
        with ExitStack() as stack:
            subject = stack.enter_context(SharedLoop(self._cores, processes))
            return self._measure("C loop", subject, followers, processes, stack, storm=False)

    def _measure(
        self, name: str, subject: Subject, followers: int, processes: int, stack: ExitStack, *, storm: bool
    ) -> Result:
        crowd = Crowd(subject.port, subject.dialect, followers, processes, {self._cores.load}, self._deadline)
        stack.enter_context(crowd)
        return Measurement(name, subject, crowd, followers, self._cores).run(self._lines, storm=storm)


def missing(followers: int, processes: int, files: int) -> list[str]:
    """Return what this machine lacks for a run, one sentence each, with its remedy."""
    found = []
    per_process = int(files * FILES_SPARE)
    if followers > per_process * processes:
        least = -(-followers // per_process)
        found.append(
            f"{processes} processes may open {per_process * processes:,} connections (limit of open files: {files:,}): "
            f"use --workers {least}, or raise the limit (`ulimit -n`)"
        )
    needed = followers * BOTH_ENDS_BYTES + processes * PROCESS_BYTES + SPARE_BYTES
    available = meminfo()["MemAvailable"]
    if needed > available:
        found.append(f"{needed / 2**30:.1f} GiB of memory are needed, {available / 2**30:.1f} are available")
    if 2 * followers > (most := kernel_setting("fs.file-max")) * FILES_SPARE:
        found.append(f"fs.file-max is {most:,}: set it to at least {int(2 * followers / FILES_SPARE):,}")
    if kernel_setting("net.core.somaxconn") < WINDOW:
        found.append(f"net.core.somaxconn is below {WINDOW}")
    return found


@click.command()
@click.option("--followers", type=click.IntRange(1_000, 1_000_000), default=500_000, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1, 128),
    help="Workers of the gateway. By default, as few as the file limit allows.",
)
@click.option("--lines", type=click.IntRange(1, 20), default=2, show_default=True, help="Lines before the storm.")
@click.option("--within", type=float, default=600.0, show_default=True, help="Seconds after which the run is ended.")
@click.option("--only", type=click.Choice(["gateway", "c-loop"]), help="Measure only the gateway, or only the C loop.")
@click.option("--results", type=click.Path(path_type=Path, file_okay=False), help="Folder for the report.")
def main(
    *, followers: int, workers: int | None, lines: int, within: float, only: str | None, results: Path | None
) -> None:
    """Measure many followers with a line, a storm and a withdrawal."""
    begun, files = time.monotonic(), raise_file_limit()
    machine = describe_machine(files)
    processes = workers or -(-followers // int(files * FILES_SPARE))
    if lacking := missing(followers, processes, files):
        raise click.ClickException("this machine can't run it:\n" + "\n".join(f"- {text}" for text in lacking))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that `with` ends all processes
    runner = Runner(find_cores(), Deadline(within), lines)
    found: list[Result] = []
    few = min(YARDSTICK, followers)
    try:
        for name in ("load", "yardstick"):
            compile_program(name)
        for name, measure in (("gateway", runner.ours), ("c-loop", runner.c_loop)):
            if only in {None, name}:
                found.append(measure(few, 1))
                found.append(measure(followers, processes))
    except (BenchError, OSError, TimeoutError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        outcome = Many(
            machine=machine,
            seconds=round(time.monotonic() - begun, 1),
            hash_buckets=kernel_setting("net.ipv4.tcp_ehash_entries"),
            results=found,
        )
        folder = results or BUILD / "many"
        many_report.write(outcome, folder)
        click.echo(many_report.to_markdown(outcome))
        click.echo(f"{outcome.seconds:.0f} s; the report is in {os.path.relpath(folder)}", err=True)
    sys.exit(1 if any(result.fault for result in found) else 0)


if __name__ == "__main__":
    main()
