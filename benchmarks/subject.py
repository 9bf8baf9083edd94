"""What is measured: a server that sends what is posted to every follower."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from typing import Protocol

from benchmarks.newsroom import Posted
from benchmarks.process import Process
from benchmarks.programs import BenchError


class Subject(Protocol):
    """A running server.

    Attributes:
        name: Its name in samples, e.g. `c-loop`.
        process: What is asked for CPU time and memory: all that takes part in fan-out, and nothing else.
        port: Where followers connect, on 127.0.0.1.
        path: What they ask for.
        dialect: What they speak; see `load.c`.

    """

    name: str
    process: Process
    port: int
    path: str
    dialect: str

    def post(self, posted: Posted) -> None:
        """Hand it an entry, and don't wait for it to be sent."""


def free_port() -> int:
    """A port that nothing listens on, outside the range from which followers' own ports are taken."""
    with socket.socket() as probe:
        for port in range(18_000, 18_999):
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BenchError("no port from 18000 to 18998 is free")


def await_http(process: Process, url: str, timeout_s: float, status: int = 200) -> None:
    """Return when `url` answers with `status`.

    Raises:
        BenchError: If it doesn't in time, or the process ends.

    """
    until = time.monotonic() + timeout_s
    said = "no answer"
    while time.monotonic() < until:
        if process.process.poll() is not None:
            raise BenchError(f"{process.name} ended with status {process.process.returncode} while it started")
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                answered, said = response.status, str(response.status)
        except urllib.error.HTTPError as error:
            answered, said = error.code, f"{error.code}: {error.read(300).decode(errors='replace')}"
        except OSError as error:
            answered, said = 0, str(error)
        if answered == status:
            return
        time.sleep(0.02)
    raise BenchError(f"{process.name} didn't serve {url} within {timeout_s:g} s: {said}")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        text: str = response.read().decode()
    return text
