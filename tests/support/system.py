"""A whole system as one process: `ticker up` with its own data folder, and `tick` to use it.

    with System(folder) as system:
        assert system.tick("post", "It rains", "-e", "en").code == 0
        system.kill()       # kill -9
        system.start()      # again, on the same data

`Program` runs any other server command, for example `Program(["gateway", "--port", "0"], environ, log)`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Final, NamedTuple, Self

from tests.support.prefork import Child
from tests.support.servers import short_folder
from tests.support.waiting import WAIT_S
from ticker.core.edition import DEFAULT_EDITIONS

_PUTS_TEXT: Final = ("post", "update", "correct", "refile")
_OURS: Final = re.compile("TICK(ER)?_")
_CONFIG: Final = TemporaryDirectory(prefix="ticker-config-")
"""So that the tests neither see nor change the developer's own login."""


def settings_without(folder: Path, *rules: str) -> str:
    """Write settings with the default editions, but with some house rules off. Return the file's path.

    In a system that many tests share, the rule against duplicates would reject their lines.
    """
    tables: list[str] = []
    for name, edition in DEFAULT_EDITIONS.items():
        off = dict.fromkeys(rules, "off")
        tables += _table(f"editions.{name}", {"title": edition.title, "lang": edition.lang, "dir": edition.dir})
        for part, terms in (("sections", edition.sections), ("regions", edition.regions), ("rules", off)):
            tables += _table(f"editions.{name}.{part}", terms)
    path = folder / "ticker.toml"
    path.write_text("\n".join(tables), encoding="utf-8")
    return str(path)


def _table(name: str, values: Mapping[str, str]) -> list[str]:
    """Return the lines of a TOML table of strings. A JSON string is a valid TOML string."""
    return [f"[{name}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]


class Ran(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without settings of Ticker, plus `variables`."""
    kept = {name: value for name, value in os.environ.items() if not _OURS.match(name) and name != "NO_COLOR"}
    return {**kept, "TICKER_CONFIG": _CONFIG.name, **variables}


def run_program(
    script: str,
    *words: str,
    environ: Mapping[str, str],
    text: str = "",
    timeout_s: float = 2 * WAIT_S,
    says_yes: bool = True,
) -> Ran:
    """Run `tick` or `ticker` without a terminal, and wait for its end. `text` is its standard input.

    With `says_yes`, a command that puts a text on air gets --yes: the lines of many tests are short.
    """
    if says_yes and script == "tick" and words and words[0] in _PUTS_TEXT:
        words = (words[0], "--yes", *words[1:])
    with TemporaryFile() as stdin, TemporaryFile() as out, TemporaryFile() as err:
        stdin.write(text.encode())
        stdin.seek(0)
        child = Child([script, *words], environ, stdin=stdin.fileno(), stdout=out.fileno(), stderr=err.fileno())
        try:
            code = child.wait(timeout_s)
        finally:
            child.kill()
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read().decode(), err.read().decode())


class Program:
    """A `ticker` server process, which prints `ready` once it serves. `log` is its log file."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.words = list(words)
        self.environ = dict(environ)
        self.log_file = log
        self.process: Child | None = None
        self.ready = ""
        self._lines: Queue[str] = Queue()
        self._log_before = 0

    @property
    def pid(self) -> int:
        assert self.process is not None, "the program is not running"
        return self.process.pid

    @property
    def url(self) -> str:
        """The URL that it serves, for example `http://127.0.0.1:8080`."""
        return self.ready.partition(" ")[2]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def has_logged(self) -> bool:
        """Whether the running process has logged something: after that, it handles signals."""
        return self.log_file.stat().st_size > self._log_before

    def start(self, *, wait: bool = True) -> Self:
        """Start the program, and wait until it prints `ready`."""
        assert self.process is None, "the program is already running"
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._lines = Queue()
        self._log_before = self.log_file.stat().st_size if self.log_file.exists() else 0
        reading, writing = os.pipe()
        try:
            with self.log_file.open("ab") as log, Path(os.devnull).open("rb") as nothing:
                files = {"stdin": nothing.fileno(), "stdout": writing, "stderr": log.fileno()}
                self.process = Child(["ticker", *self.words], self.environ, **files)
        finally:
            os.close(writing)
        threading.Thread(target=_read_lines, args=(reading, self._lines), daemon=True).start()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, within_s: float = 2 * WAIT_S) -> None:
        deadline = time.monotonic() + within_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"not ready within {within_s:g} s: {self.words}\n{self.log[-2000:]}") from None
            if line.startswith("ready"):
                self.ready = line
                return
            assert line, f"ended at its start: {self.words}\n{self.log[-2000:]}"

    def wait(self, within_s: float = 2 * WAIT_S) -> int:
        """Wait for the end of the program, and return its exit code."""
        assert self.process is not None, "the program is not running"
        code = self.process.wait(within_s)
        self.process = None
        return code

    def stop(self) -> None:
        """End the program with SIGTERM, or with SIGKILL if it doesn't react. Do nothing if it isn't running."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the program with SIGKILL, and wait for its end."""
        assert self.process is not None, "the program is not running"
        self.process.kill()
        self.process.wait(WAIT_S)
        self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None, "the program is not running"
        self.process.send_signal(number)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _read_lines(stdout: int, lines: Queue[str]) -> None:
    """Read everything that the program prints, so that it never blocks. Put an empty line at the end."""
    with open(stdout, encoding="utf-8") as file:
        for line in file:
            lines.put(line.rstrip("\n"))
    lines.put("")


class System(Program):
    """`ticker up` on a free port, which it keeps when it is started again.

    Args:
        folder: The folder for its data and its log.
        options: Options for `ticker up`.
        variables: Environment variables.

    """

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.data = folder / "data"
        self._options = options
        super().__init__(self._up(0), environment(TICKER_DATA=str(self.data), **variables), folder / "ticker.log")

    def _up(self, port: int) -> list[str]:
        return ["up", "--data", str(self.data), "--port", str(port), *self._options]

    def wait_ready(self, within_s: float = 2 * WAIT_S) -> None:
        super().wait_ready(within_s)
        self.words = self._up(self.port)

    @property
    def redis_url(self) -> str:
        """The URL of the embedded server. It changes at every start."""
        return (self.data / "redis.url").read_text(encoding="utf-8").strip()

    def tick(self, *words: str, editor: str = "maha", **variables: str) -> Ran:
        """Run `tick` as an editor."""
        return run_program("tick", *words, environ={**self.environ, "TICK_EDITOR": editor, **variables})

    def ticker(self, *words: str, **variables: str) -> Ran:
        return run_program("ticker", *words, environ={**self.environ, **variables})


@contextmanager
def shared_system() -> Iterator[System]:
    """Run a system for many tests: no rule rejects short lines, or lines like those of other tests."""
    with (
        short_folder() as folder,
        System(folder, TICKER_SETTINGS=settings_without(folder, "duplicate", "short")) as running,
    ):
        yield running
