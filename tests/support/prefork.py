"""Run `tick` and `ticker` in processes that are forked from a server that has already imported everything.

A test run starts more than a thousand processes, and each would spend 0.2 to 0.4 s on imports. So each test process has
a fork server, which imports once. A child gets its own files, environment and folder, and runs the same script as a
shell would.

An interpreter reads some variables only when it starts (`PYTHON…`, the locale), so each set of their values has a fork
server of its own. A child with LD_PRELOAD calls `exec`, because only the linker reads that. Tests of the start itself
(`test_up`, `test_terminals`, `test_services`) use `subprocess`.
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
import threading
import time
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from publisher_cli.__main__ import main as run_tick
from scripts.topologies.namespaces import enter
from tests.support.late_desks import delay_desks
from tests.support.late_gateways import delay_gateways
from tests.support.long_waits import let_gateways_report_late
from tests.support.waiting import WAIT_S
from ticker.store.child_process import tied_to_parent

SCRIPTS: Final = Path(sys.executable).parent
REQUEST_BYTES: Final = 128 * 1024
"""Maximum size of an environment and a command line. The kernel accepts more as one message."""

_READ_AT_START: Final = re.compile("PYTHON|LC_|LANG")
_READ_BY_LINKER: Final = "LD_PRELOAD"
_IMPORTED: Final = (
    "publisher_cli.cli",
    *(f"publisher_cli.commands.{name}" for name in ("change", "show", "watch", "review")),
    *(f"publisher_cli.read.{name}" for name in ("audit", "held", "log")),
    *(f"publisher_cli.submit.{name}" for name in ("change", "decision")),
    *(f"ticker.commands.{name}" for name in ("acl", "desk", "doctor", "editor", "gateway", "log", "up")),
    "ticker.cli",
    "ticker.system",
    "uvloop",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)


class Child:
    """A running `tick` or `ticker`, with the methods of `subprocess.Popen` that tests use.

    Args:
        words: The script's name and its arguments.
        environ: The whole environment.
        stdin, stdout, stderr: File descriptors, which are duplicated.
        network: The file descriptor of the network namespace that it runs in. None: ours.

    """

    def __init__(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        network: int | None = None,
    ) -> None:
        self.args = list(words)
        self.returncode: int | None = None
        start_environ = {name: value for name, value in environ.items() if _READ_AT_START.match(name)}
        self._connection, theirs = socket.socketpair()
        self._lines = self._connection.makefile("rb")
        request = json.dumps({"words": self.args, "environ": dict(environ), "folder": str(Path.cwd())}).encode()
        assert len(request) <= REQUEST_BYTES, (
            f"{len(request)} bytes of arguments and environment; the limit is {REQUEST_BYTES}"
        )
        with theirs:
            server = _server(tuple(sorted(start_environ.items())))
            more = [] if network is None else [network]
            socket.send_fds(server, [request], [theirs.fileno(), stdin, stdout, stderr, *more])
        self.pid = int(self._lines.readline())

    def poll(self) -> int | None:
        """Return the exit code (negative for a signal), or None while the process runs."""
        if self.returncode is None and _is_readable(self._connection, 0):
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: If it still runs after `timeout` seconds.

        """
        if self.returncode is None and not _is_readable(self._connection, timeout):
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
        assert line, f"the fork server of {self.args} has died"
        self.returncode = int(line)
        self._lines.close()
        self._connection.close()

    def __del__(self) -> None:
        if self.returncode is None:
            self._lines.close()
            self._connection.close()


def _is_readable(connection: socket.socket, within_s: float | None) -> bool:
    poll = select.poll()  # `select` fails for descriptors above 1023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(None if within_s is None else within_s * 1000))


@lru_cache
def _server(start_environ: tuple[tuple[str, str], ...]) -> socket.socket:
    """Start a fork server. Return our end of its socket. It ends when that is closed, so with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if not _READ_AT_START.match(name)}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            env={**kept, **dict(start_environ)},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    atexit.register(process.wait, WAIT_S)
    atexit.register(ours.close)
    return ours


# The fork server


def serve(requests: socket.socket) -> None:
    """Fork a child for each request, until `requests` ends. Reply with its pid, and later with its exit code."""
    for name in _IMPORTED:
        import_module(name)
    delay_desks()
    delay_gateways()
    let_gateways_report_late()
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
            data, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 5)
            if not data:
                return
            reply = socket.socket(fileno=files[0])
            pid = os.fork()
            if pid == 0:
                for each in (requests, reply, *running.values()):
                    each.close()
                os.close(woken)
                os.close(wake)
                umask = os.umask(0)
                tie()
                os.umask(umask)
                _run_script(json.loads(data), files[1:])
            for descriptor in files[1:]:
                os.close(descriptor)
            reply.sendall(b"%d\n" % pid)
            running[pid] = reply


def _reap(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as reply, suppress(ConnectionError):  # the test may be over
            reply.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _run_script(request: Any, files: Sequence[int]) -> None:
    """Run the requested script in this child process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for network in files[3:]:
        enter(network)
        os.close(network)
    for number, descriptor in enumerate(files[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    script, *words = request["words"]
    path = str(SCRIPTS / script)
    if _READ_BY_LINKER in os.environ:
        os.execv(path, [path, *words])
    sys.argv = [path, *words]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- open until the process ends
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.modules["__main__"] = types.ModuleType("__main__")
    if script == "tick":  # a compiled program, which starts Python with this call
        run_tick()
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, int) and "PYTHONWARNINGS" not in os.environ:
            _exit_fast(end.code)
        raise


def _exit_fast(code: int) -> None:
    """End this process without taking the interpreter apart, which takes four times as long as most commands.

    Return only if an output can't be written. Processes with PYTHONWARNINGS end in the usual way, because that warns of
    files that were left open.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody reads any more: Python has its own exit code for that
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as at every end
    atexit._run_exitfuncs()
    os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as our_end:
        serve(our_end)
