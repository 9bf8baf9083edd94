"""Servers to compare with: a bare C loop, which is the least possible cost, and simple servers in Python."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from benchmarks.log_writer import LogWriter, Posted
from benchmarks.machine import Cores
from benchmarks.process import Process
from benchmarks.programs import BenchError, compile_program
from benchmarks.subject import free_port

START_S: Final = 20.0


class Fed:
    """A server that prints `ready` and sends each line of its standard input to every follower."""

    path = "/"
    dialect = "plain"

    def __init__(self, name: str, command: Callable[[int], list[str]], cores: Cores) -> None:
        self.name = name
        self.port = free_port()
        self.process = Process(name, command(self.port), {cores.server})

    def __enter__(self) -> Self:
        try:
            self.process.wait_for_line("ready", START_S)
        except BaseException:
            self.process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()

    def post(self, posted: Posted) -> None:
        self.process.write_line(posted.message)


class SharedLoop:
    """The C loop in several processes on one port: a process may only open as many files as its limit allows."""

    path = "/"
    dialect = "plain"

    def __init__(self, cores: Cores, processes: int) -> None:
        self.writer = LogWriter()
        self.port = free_port()
        command = [str(compile_program("yardstick")), str(self.port), "shared"]
        self._processes = [Process("c-loop", command, {cores.server}) for _ in range(processes)]

    def __enter__(self) -> Self:
        try:
            for process in self._processes:
                process.wait_for_line("ready", START_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.stop()

    def processes(self) -> list[Process]:
        return self._processes

    def post(self, posted: Posted) -> None:
        for process in self._processes:
            process.write_line(posted.message)


def c_loop(cores: Cores) -> Fed:
    """Return the least possible server: it sends the same frame to each connection with `send(2)`."""
    return Fed("c-loop", lambda port: [str(compile_program("yardstick")), str(port)], cores)


def c_loop_joining(cores: Cores) -> Fed:
    """Return the least possible server for bursts: it sends lines that arrive together in one `send(2)`."""
    return Fed("c-loop-joining", lambda port: [str(compile_program("yardstick")), str(port), "join"], cores)


def replaying_loop(cores: Cores, file: str) -> Fed:
    """Return the least possible server for reconnects: it answers each handshake together with the bytes of `file`."""
    return Fed("c-loop-replaying", lambda port: [str(compile_program("yardstick")), str(port), "replay", file], cores)


def record_replay(port: int, path: str) -> bytes:
    """Return what a gateway sends to a follower up to the message `live`, without the response to the handshake."""
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=START_S) as connection:
        connection.sendall(request.encode())
        while b'{"type":"live"' not in data:  # the last message, which comes in one piece with the others
            if not (more := connection.recv(65_536)):
                raise BenchError(f"the gateway closed the connection after {data[:200]!r}")
            data += more
    return data.partition(b"\r\n\r\n")[2]


def starlette_loop(cores: Cores) -> Fed:
    """Return a server that calls `await websocket.send_text(text)` per connection."""
    return Fed("starlette-loop", lambda port: [sys.executable, "-m", "benchmarks.rivals.loop", str(port)], cores)


def starlette_queues(cores: Cores) -> Fed:
    """Return a server with one queue and one task per connection."""
    return Fed("starlette-queues", lambda port: [sys.executable, "-m", "benchmarks.rivals.queues", str(port)], cores)
