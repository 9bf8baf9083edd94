"""Servers to compare with: a bare C loop, which is the least possible cost, and simple servers in Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from benchmarks.log_writer import Posted
from benchmarks.machine import Cores
from benchmarks.process import Process
from benchmarks.programs import compile_program
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


def c_loop(cores: Cores) -> Fed:
    """Return the least possible server: it sends the same frame to each connection with `send(2)`."""
    return Fed("c-loop", lambda port: [str(compile_program("yardstick")), str(port)], cores)


def c_loop_joining(cores: Cores) -> Fed:
    """Return the least possible server for bursts: it sends lines that arrive together in one `send(2)`."""
    return Fed("c-loop-joining", lambda port: [str(compile_program("yardstick")), str(port), "join"], cores)


def starlette_loop(cores: Cores) -> Fed:
    """Return a server that calls `await websocket.send_text(text)` per connection."""
    return Fed("starlette-loop", lambda port: [sys.executable, "-m", "benchmarks.rivals.loop", str(port)], cores)


def starlette_queues(cores: Cores) -> Fed:
    """Return a server with one queue and one task per connection."""
    return Fed("starlette-queues", lambda port: [sys.executable, "-m", "benchmarks.rivals.queues", str(port)], cores)
