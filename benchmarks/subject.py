"""The servers under test: each sends every posted entry to every follower."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from typing import Protocol

from benchmarks.log_writer import Posted
from benchmarks.process import Process
from benchmarks.programs import BenchError


class Subject(Protocol):
    """A running server.

    Attributes:
        name: Its name in the samples, e.g. `c-loop`.
        process: The process whose CPU time and memory count: everything that takes part in fan-out, and nothing else.
        port: The port that followers connect to, on 127.0.0.1.
        path: The path that followers request.
        dialect: The protocol of the followers; see `load.c`.

    """

    name: str
    process: Process
    port: int
    path: str
    dialect: str

    def post(self, posted: Posted) -> None:
        """Pass an entry to the server, without waiting until it is sent."""


def free_port() -> int:
    """Return a free port, outside the range of the ports that followers use."""
    with socket.socket() as probe:
        for port in range(18_000, 18_999):
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BenchError("no port from 18000 to 18998 is free")


def await_http(process: Process, url: str, timeout_s: float, status: int = 200) -> None:
    """Wait until `url` answers with `status`.

    Raises:
        BenchError: On a timeout, or if the process ends.

    """
    until = time.monotonic() + timeout_s
    reply = "no answer"
    while time.monotonic() < until:
        if process.process.poll() is not None:
            raise BenchError(f"{process.name} ended with status {process.process.returncode} while it started")
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                status_code, reply = response.status, str(response.status)
        except urllib.error.HTTPError as error:
            status_code, reply = error.code, f"{error.code}: {error.read(300).decode(errors='replace')}"
        except OSError as error:
            status_code, reply = 0, str(error)
        if status_code == status:
            return
        time.sleep(0.02)
    raise BenchError(f"{process.name} didn't serve {url} within {timeout_s:g} s: {reply}")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        text: str = response.read().decode()
    return text
