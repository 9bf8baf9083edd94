"""Processes of `tick` and `ticker` that are forked from one that has imported all they need already.

A test run starts them more than a thousand times, and most of what each would do is importing: 0.2 to 0.4 s of a core.
A server for each test process imports once and forks; a child gets the files, the environment and the folder that it
was asked for and runs the same script as a shell would. What an interpreter looks at as it starts (`PYTHON…`, the
locale) is the server's: there is one for each such environment. What the linker looks at needs a real start, and gets
one. Whoever tests starting itself (`test_up`, `test_terminals`, `test_services`) uses `subprocess`.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ticker.store.child_process import tied_to_parent

SCRIPTS: Final = Path(sys.executable).parent
REQUEST_BYTES: Final = 128 * 1024
"""Of an environment and a command line: less than the kernel takes as one message."""

WAIT_S: Final = 15.0
"""How long a server may take to end."""

_AT_START: Final = re.compile("PYTHON|LC_|LANG")
_BY_LINKER: Final = "LD_PRELOAD"
_IMPORTED: Final = (
    "publisher_cli.cli",
    *(f"publisher_cli.commands.{name}" for name in ("change", "show", "watch", "review", "audit")),
    "publisher_cli.submit.change",
    *(f"ticker.commands.{name}" for name in ("acl", "check", "desk", "editor", "gateway", "log", "up")),
    "ticker.cli",
    "ticker.system",
    "uvloop",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)


class Child:
    """A running `tick` or `ticker`, with what tests use of `subprocess.Popen`.

    Args:
        words: The script's name and its words.
        environ: All of its environment.
        stdin, stdout, stderr: Descriptors that it gets copies of.

    """

    def __init__(
        self, words: Sequence[str], environ: Mapping[str, str], *, stdin: int, stdout: int, stderr: int
    ) -> None:
        self.args = list(words)
        self.returncode: int | None = None
        at_start = {name: value for name, value in environ.items() if _AT_START.match(name)}
        self._told, theirs = socket.socketpair()
        self._lines = self._told.makefile("rb")
        request = json.dumps({"words": self.args, "environ": dict(environ), "folder": str(Path.cwd())}).encode()
        assert len(request) <= REQUEST_BYTES, f"{len(request)} bytes of words and environment: {REQUEST_BYTES} at most"
        with theirs:
            server = _server(tuple(sorted(at_start.items())))
            socket.send_fds(server, [request], [theirs.fileno(), stdin, stdout, stderr])
        self.pid = int(self._lines.readline())

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        if self.returncode is None and _is_readable(self._told, 0):
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: If that doesn't come within `timeout` seconds.

        """
        if self.returncode is None and not _is_readable(self._told, timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        line = self._lines.readline()
        assert line, f"the server that {self.args} was forked from has died"
        self.returncode = int(line)
        self._lines.close()
        self._told.close()

    def __del__(self) -> None:
        if self.returncode is None:
            self._lines.close()
            self._told.close()


def _is_readable(told: socket.socket, within_s: float | None) -> bool:
    asking = select.poll()  # `select` takes no descriptor from 1024 on
    asking.register(told, select.POLLIN)
    return bool(asking.poll(None if within_s is None else within_s * 1000))


@lru_cache
def _server(at_start: tuple[tuple[str, str], ...]) -> socket.socket:
    """Our end of a new server's socket. The server ends when that is closed: with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if not _AT_START.match(name)}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            env={**kept, **dict(at_start)},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    atexit.register(process.wait, WAIT_S)
    atexit.register(ours.close)
    return ours


# The server


def serve(requests: socket.socket) -> None:
    """Fork a child for each request, and tell its pid and its exit code, until nobody can ask any more."""
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    running: dict[int, socket.socket] = {}
    tie = tied_to_parent(signal.SIGKILL)
    while True:
        ready, _, _ = select.select([requests.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(running)
        if requests.fileno() in ready:
            data, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 4)
            if not data:
                return
            telling = socket.socket(fileno=files[0])
            pid = os.fork()
            if pid == 0:
                for each in (requests, telling, *running.values()):
                    each.close()
                os.close(woken)
                os.close(wake)
                umask = os.umask(0)
                tie()
                os.umask(umask)
                _become(json.loads(data), files[1:])
            for descriptor in files[1:]:
                os.close(descriptor)
            telling.sendall(b"%d\n" % pid)
            running[pid] = telling


def _reap(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as telling, suppress(ConnectionError):  # who asked may not care any more
            telling.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(request: Any, files: Sequence[int]) -> None:
    """Run a script in this child, to its end."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(files):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    script, *words = request["words"]
    path = str(SCRIPTS / script)
    if _BY_LINKER in os.environ:
        os.execv(path, [path, *words])
    sys.argv = [path, *words]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.modules["__main__"] = types.ModuleType("__main__")
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        serve(asked)
