"""Real Redis servers for tests. `sentinel`, `cluster` and `tls` build on them.

Each server is a process that listens on a Unix socket or a free port of 127.0.0.1. The kernel ends it if the tests are
killed. Starting and stopping block for tens of milliseconds, so that tests work with and without an event loop.

    with RedisServer(folder) as server:
        client = connect(server.url, role="desk")
        ...
        server.kill()       # kill -9
        server.start()      # again, on the same files and at the same address
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.waiting import WAIT_S, until
from ticker.store.child_process import tied_to_parent
from ticker.store.server_binary import find_binary

HOST: Final = "127.0.0.1"

UNASSIGNED_PORTS: Final = range(15_000, 32_000)
"""Ports that the kernel assigns to no connection: Linux assigns from 32,768 on, other systems from 49,152."""

NOT_READY: Final = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError)
"""The errors of a command to a server that is down or not ready."""

ONE_TRY: Final[Mapping[str, Any]] = {"socket_timeout": 2, "retry": Retry(NoBackoff(), 0)}


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a temporary folder. Its path is short enough for a Unix socket, unlike most of pytest's `tmp_path`."""
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a free port that the kernel won't assign to a connection before our server listens on it."""
    while True:
        port = secrets.choice(UNASSIGNED_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


def is_alive(pid: int) -> bool:
    """Return whether a process runs. On Linux, a zombie doesn't; on other systems it can't be told apart."""
    with suppress(FileNotFoundError, ProcessLookupError):
        if not Path("/proc/self/stat").exists():
            os.kill(pid, 0)
            return True
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


@lru_cache
def _binary(path: str) -> str:
    """Return the server program that is found with this PATH. Finding it runs it with `--version`."""
    return str(find_binary({"PATH": path}))


class ServerProcess:
    """A server process with a folder. Subclasses define the command line and the address."""

    def __init__(self, dir: Path) -> None:  # noqa: A002 -- Redis's own name for it
        self.dir = dir
        self.process: subprocess.Popen[bytes] | None = None
        dir.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server is not running"
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.dir / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> Self:
        """Start the server, and wait until it answers. After a stop it has the same files and the same address."""
        assert self.process is None, "the server is already running"
        with (self.dir / "log").open("ab") as output:
            self.process = subprocess.Popen(
                self._words(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=tied_to_parent(signal.SIGKILL),  # noqa: PLW1509 -- written for it
            )
        until(self._is_ready, f"{self._words()} answers")
        return self

    def stop(self) -> None:
        """End the server with SIGTERM, or with SIGKILL if it doesn't react. Do nothing if it isn't running."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT_S)

    def kill(self) -> None:
        """End the server with SIGKILL, and wait for its end."""
        assert self.process is not None, "the server is not running"
        self.process.kill()
        self.process.wait(WAIT_S)
        self.process = None

    def discard(self) -> None:
        """Kill the server if it runs: at the end of a test, nobody reads its files any more.

        It would look for a SIGTERM only ten times per second.
        """
        if self.process is not None:
            self.kill()

    def pause(self) -> None:
        """Suspend the server with SIGSTOP. Its connections stay open, as on a machine that hangs."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def command(self, *words: str | int | bytes) -> Any:
        """Run one command on a new connection. Raises the errors of redis-py."""
        client = self._client()
        try:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.discard()

    def _words(self) -> list[str]:
        raise NotImplementedError

    def _client(self) -> redis.Redis:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        assert self.process is not None
        status = self.process.poll()
        if status is not None:
            self.process = None
            raise AssertionError(f"the server ended with status {status} at its start:\n{self.log[-2000:]}")
        try:
            return bool(self.command("PING"))
        except redis.AuthenticationError:
            return True
        except NOT_READY:
            return False


class RedisServer(ServerProcess):
    """A Redis server with an append-only file that is synced at each write.

    Args:
        dir: The folder for its files.
        tcp: Listen on a port of 127.0.0.1 instead of a Unix socket in `dir`.
        password: The password of the default user.
        options: Settings that override the defaults.

    """

    def __init__(
        self,
        dir: Path,  # noqa: A002
        *,
        tcp: bool = False,
        password: str | None = None,
        options: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(dir)
        self.socket = None if tcp else dir / "redis.sock"
        self.port = free_port() if tcp else 0
        self.password = password
        self.options = {
            "port": self.port,
            "bind": HOST,
            "dir": dir,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "repl-diskless-sync-delay": 0,
            **({"unixsocket": self.socket} if self.socket is not None else {}),
            **({"requirepass": password, "masterauth": password} if password is not None else {}),
            **(options or {}),
        }

    @property
    def url(self) -> str:
        credentials = "" if self.password is None else f":{quote(self.password, safe='')}@"
        return f"unix://{credentials}{self.socket}" if self.socket else f"redis://{credentials}{HOST}:{self.port}"

    @property
    def address(self) -> tuple[str, int]:
        return (HOST, self.port)

    def _words(self) -> list[str]:
        pairs = [(f"--{name}", str(value)) for name, value in self.options.items()]
        return [_binary(os.environ.get("PATH", os.defpath)), *(word for pair in pairs for word in pair)]

    def _client(self) -> redis.Redis:
        if self.socket is not None:
            return redis.Redis(unix_socket_path=str(self.socket), password=self.password, **ONE_TRY)
        return redis.Redis(host=HOST, port=self.port, password=self.password, **ONE_TRY)
