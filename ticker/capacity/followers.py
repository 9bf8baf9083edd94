"""Followers that one thread reads with epoll, for measurements. They obey commands on standard input.

They are written for little CPU time, which the gateway needs: no objects per message.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from abc import ABC, abstractmethod
from typing import Final

HOST: Final = "127.0.0.1"
WINDOW: Final = 128
"""Followers that connect at the same time."""
READ_BYTES: Final = 65_536

_REQUEST: Final = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_LIVE: Final = b'"type":"live"'


class Followers(ABC):
    """The followers of one path of a server on this machine. `open_s` limits the time for one `open`."""

    def __init__(self, port: int, path: str, *, host: str = HOST, open_s: float) -> None:
        self._address = (HOST, port)
        self._request = _REQUEST.format(path=path, host=host).encode()
        self._open_s = open_s
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._opening: dict[int, bytes] = {}
        self._ends: dict[int, bytes] = {}
        """The end of what each follower read, if a message is cut in two there."""
        self._closed = 0

    def run(self) -> None:
        """Obey commands, and read what arrives, until the input ends. Each answer is a line of JSON."""
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        for line in iter(self._next_command, ""):
            # Unbuffered: the other process waits for the answer.
            os.write(sys.stdout.fileno(), f"{json.dumps(self.obey(line.split()))}\n".encode())

    def obey(self, words: list[str]) -> dict[str, object]:
        """Carry out a command, and return its answer."""
        match words:
            case ["open", count]:
                return self._open(int(count))
            case ["report"]:
                return self._report()
            case _:
                return {"error": f"unknown command {words}"}

    @abstractmethod
    def _report(self) -> dict[str, object]:
        """Return what the followers got since the last report."""

    @abstractmethod
    def _count(self, file: int, data: bytes, now: int) -> None:
        """Count what a live follower read at `now` (monotonic, in ns)."""

    def _next_command(self) -> str:
        while not self._poll(-1):
            pass
        return sys.stdin.readline()

    def _open(self, count: int) -> dict[str, object]:
        """Open `count` more followers, `WINDOW` at a time. Return when each has its board or has failed."""
        wanted = len(self._sockets) + count
        until = time.monotonic() + self._open_s
        begun = 0
        while time.monotonic() < until and (begun < count or self._opening):
            while begun < count and len(self._opening) < WINDOW:
                self._connect()
                begun += 1
            self._poll(0.1)
        return {"open": len(self._sockets) - len(self._opening), "failed": wanted - len(self._sockets)}

    def _poll(self, timeout_s: float) -> bool:
        """Handle the bytes that have arrived. Return whether there is a command."""
        has_command = False
        for file, event in self._epoll.poll(timeout_s, 512):
            if file == sys.stdin.fileno():
                has_command = True
            else:
                self._handle(file, event)
        return has_command

    def _handle(self, file: int, event: int) -> None:
        if event & select.EPOLLOUT:
            self._send_request(file)
        else:
            self._receive(file)

    def _connect(self) -> int:
        """Begin to connect. Return the file descriptor."""
        each = self._new_socket()
        each.connect_ex(self._address)
        file = each.fileno()
        self._sockets[file] = each
        self._opening[file] = b""
        self._epoll.register(file, select.EPOLLOUT)
        return file

    def _new_socket(self) -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def _send_request(self, file: int) -> None:
        try:
            self._sockets[file].send(self._request)
        except OSError:
            self._lose(file)
        else:
            self._epoll.modify(file, select.EPOLLIN)

    def _receive(self, file: int) -> None:
        try:
            data = self._read(self._sockets[file])
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now = time.monotonic_ns()
        if not data:
            self._lose(file)
        elif file in self._opening:
            self._opening[file] += data
            if _LIVE in self._opening[file]:
                del self._opening[file]
        else:
            self._count(file, data, now)

    def _read(self, each: socket.socket) -> bytes:
        """Return the bytes that have arrived, or none if the connection has ended.

        Raises:
            BlockingIOError: If nothing has arrived.

        """
        return each.recv(READ_BYTES)

    def _lose(self, file: int) -> None:
        self._sockets.pop(file).close()
        self._opening.pop(file, None)
        self._ends.pop(file, None)
        self._closed += 1
