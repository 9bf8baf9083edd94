"""Start a program on its core, read its CPU time and memory, and end it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from benchmarks.machine import pinned_to
from benchmarks.programs import BenchError

STOP_S: Final = 8.0
LINE_BYTES: Final = 1 << 20
PIPE_BYTES: Final = 1 << 20


class LineReader:
    """Reads lines from a pipe, with a timeout per line."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._file = pipe.fileno()
        self._data = b""

    def read(self, timeout_s: float) -> str | None:
        """Return the next line, or None at the end of the pipe.

        Raises:
            TimeoutError: If no line arrives in time.

        """
        until = time.monotonic() + timeout_s
        while b"\n" not in self._data:
            ready, _, _ = select.select([self._file], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            if not (more := os.read(self._file, LINE_BYTES)):
                return None
            self._data += more
        line, _, self._data = self._data.partition(b"\n")
        return line.decode(errors="replace")


class Process:
    """A child process and its descendants. The end of the `with` block ends it: with SIGTERM, and then with SIGKILL."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        cores: set[int],
        *,
        environ: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Start the program. Its standard error goes to `log`, or nowhere. Its standard output has to be read."""
        self.name = name
        with pinned_to(cores), log.open("ab") if log else contextlib.nullcontext(subprocess.DEVNULL) as errors:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(environ or {})},
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin = self.process.stdin
        self.lines = LineReader(self.process.stdout)
        # A busy server reads its input late. The driver must not block on it while it posts.
        fcntl.fcntl(self.stdin.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def begin_stop(self) -> None:
        """Ask the process to end, without waiting. `stop` is still necessary."""
        with contextlib.suppress(OSError):
            self.stdin.close()
        self.process.terminate()

    def stop(self) -> None:
        self.begin_stop()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for_line(self, beginning: str, timeout_s: float) -> str:
        """Read standard output until a line starts with `beginning`, and return that line.

        Raises:
            BenchError: If the process ends first, or on a timeout.

        """
        until = time.monotonic() + timeout_s
        while True:
            try:
                line = self.lines.read(until - time.monotonic())
            except TimeoutError:
                raise BenchError(f"{self.name} didn't print {beginning!r} within {timeout_s:g} s") from None
            if line is None:
                raise BenchError(f"{self.name} ended with status {self.process.wait(STOP_S)}")
            if line.startswith(beginning):
                return line

    def write_line(self, line: bytes) -> None:
        """Write a line to its standard input, in one write if the pipe has room."""
        self.stdin.write(line + b"\n")
        self.stdin.flush()

    def pids(self) -> list[int]:
        return _family(self.process.pid)

    def cpu_s(self) -> float:
        """Return the CPU time of all its running processes, user and system."""
        return sum(_cpu_s(pid) for pid in self.pids())

    def memory_bytes(self) -> int:
        """Return the proportional set size of its processes, which counts shared pages once."""
        return sum(_memory_bytes(pid) for pid in self.pids())

    def settle(self, timeout_s: float = 10.0, share: float = 0.05) -> None:
        """Wait until it is almost idle, so that earlier work isn't counted in the next measurement."""
        until = time.monotonic() + timeout_s
        before = self.cpu_s()
        while time.monotonic() < until:
            time.sleep(0.25)
            now = self.cpu_s()
            if now - before < 0.25 * share:
                return
            before = now


def move(pids: Sequence[int], cores: set[int]) -> None:
    """Let processes, with all their threads, run on other cores."""
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), cores)


def _family(pid: int) -> list[int]:
    pids = [pid]
    for parent in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                pids += map(int, (task / "children").read_text(encoding="ascii").split())
    return pids


def _cpu_s(pid: int) -> float:
    """Read the CPU clock of a process. It counts nanoseconds; /proc only counts hundredths of a second.

    The id of the clock is part of the Linux ABI: `clock_getcpuclockid(3)` computes the same.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _memory_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
