"""The program of one host, as a process in the host's network namespace."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from scripts.topologies.namespaces import enter
from ticker.store.child_process import tied_to_parent

END_S = 60.0
"""How long a process may take to end. A gateway closes its followers first."""


class Process(Protocol):
    """A running process: what we use of `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


Launch = Callable[[Sequence[str], Mapping[str, str], Path, int], Process]
"""Start a program: its words, its environment, the file for its output, and the namespace of its host."""


def launch(words: Sequence[str], environ: Mapping[str, str], log: Path, namespace: int) -> Process:
    """Start a program in a namespace. It ends with this process."""
    tie = tied_to_parent(signal.SIGKILL)

    def prepare() -> None:
        enter(namespace)
        tie()

    with log.open("ab") as output:
        return subprocess.Popen(
            words,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 -- written for it
        )


class HostProcess:
    """The process of a host, which can be started again. `log` has the output of all its runs."""

    def __init__(self, start: Callable[[], Process], log: Path) -> None:
        self._start = start
        self._process: Process | None = None
        self.log_file = log

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs or before its start."""
        return None if self._process is None else self._process.poll()

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        if self.is_running:
            raise RuntimeError(f"{self.log_file.stem} is already running")
        self._process = self._start()

    def kill(self) -> None:
        """End it with SIGKILL, as if the machine had lost power."""
        if self.is_running:
            self._running.kill()
            self._running.wait(END_S)

    def end(self) -> int:
        """End it with SIGTERM, as an operator does. Return its exit code."""
        process = self._running
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(END_S)

    def send_signal(self, number: signal.Signals) -> None:
        self._running.send_signal(number)

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise RuntimeError(f"{self.log_file.stem} was not started")
        return self._process
