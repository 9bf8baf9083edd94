"""A crowd of readers in one process: `python -m tests.faults.topologies.crowd ADDRESS CERTIFICATE READERS SOURCE…`.

Each reader follows an edition over WebSocket and TLS, reconnects as the element does, with its position, and checks
that it gets each entry once. Commands come on standard input, and the answer to each is a line of JSON: `state`, and
`report` with all absences. The process ends with its standard input.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import struct
import sys
import time
from collections.abc import Sequence
from typing import Final, cast

import msgspec
import uvloop

from scripts.topologies.hosts import TLS_PORT
from scripts.topologies.proxy_files import SITE
from ticker.backoff import Backoff
from ticker.client.reading import RETRY_FIRST_S, RETRY_MOST_S
from ticker.core.messages import SUBPROTOCOL

OPENED_PER_S: Final = 150
"""The readers of a process connect at this rate at first: TLS costs a millisecond here."""
OPEN_S: Final = 15.0
LINE: Final = b'{"type":"line","position":"'
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Crowd(msgspec.Struct):
    """What the readers of a process have seen.

    Attributes:
        live: How many are connected and have everything up to now.
        least: The smallest number of an entry that a reader has last.
        deliveries: The lines that readers got.
        missed, repeated: Entries that a reader didn't get, or got again.
        replaced: Boards that replaced what a reader had.
        failed: Attempts to connect that failed.
        absences: From when to when a reader had no connection, in seconds of CLOCK_MONOTONIC.

    """

    live: int = 0
    least: int = 0
    deliveries: int = 0
    missed: int = 0
    repeated: int = 0
    replaced: int = 0
    failed: int = 0
    absences: list[tuple[float, float]] = msgspec.field(default_factory=list)


class _Message(msgspec.Struct):
    type: str
    position: str | None = None
    retry_ms: int = 0


_decoder: Final = msgspec.json.Decoder(_Message)


class Reader:
    """A reader, over all its connections."""

    def __init__(self, crowd: Crowd) -> None:
        self.position: str | None = None
        self.seq = 0
        self.is_live = False
        self._crowd = crowd
        self._lost_at = 0.0
        self._retry_s: float | None = None
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S, jitter=1)

    async def run(self, address: tuple[str, int], source: str, tls: ssl.SSLContext) -> None:
        """Follow until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            transport = None
            try:
                async with asyncio.timeout(OPEN_S):
                    transport, connection = await loop.create_connection(
                        lambda: Connection(self), *address, ssl=tls, server_hostname=SITE, local_addr=(source, 0)
                    )
                    await connection.opened
                await connection.ended
            except (OSError, ConnectionError, TimeoutError):
                self._crowd.failed += 1
            finally:
                if transport is not None:
                    transport.abort()
            self.lose()
            own_s, retry_s, self._retry_s = self._backoff.next_s(), self._retry_s, None
            await asyncio.sleep(own_s if retry_s is None else retry_s)

    def lose(self) -> None:
        if self.is_live:
            self.is_live, self._lost_at = False, time.monotonic()
            self._crowd.live -= 1

    def receive(self, data: bytes) -> None:
        """Take a message."""
        if data.startswith(LINE):
            end = data.index(b'"', len(LINE))
            self._move_to(data[len(LINE) : end].decode())
            self._crowd.deliveries += 1
            return
        message = _decoder.decode(data)
        match message.type:
            case "board" if message.position is not None:
                self._crowd.replaced += self.position is not None
                self.position, self.seq = message.position, _seq(message.position)
            case "live":
                self._return()
            case "heartbeat" if message.position is not None and _seq(message.position) != self.seq:
                self._crowd.missed += abs(_seq(message.position) - self.seq)
            case "bye":
                self._retry_s = message.retry_ms / 1000
                self.lose()
            case _:
                pass

    def _move_to(self, position: str) -> None:
        seq = _seq(position)
        self._crowd.missed += max(0, seq - self.seq - 1)
        self._crowd.repeated += seq <= self.seq
        self.position, self.seq = position, seq

    def _return(self) -> None:
        if self._lost_at:
            self._crowd.absences.append((self._lost_at, time.monotonic()))
        self.is_live = True
        self._crowd.live += 1
        self._backoff.reset()


class Connection(asyncio.Protocol):
    """A WebSocket connection of a reader. `opened` and `ended` are done then."""

    def __init__(self, reader: Reader) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._reader = reader
        self._data = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's isn't derived from it
        after = "" if self._reader.position is None else f"?after={self._reader.position}"
        lines = [
            f"GET /v1/en/live{after} HTTP/1.1",
            f"Host: {SITE}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        ]
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        if not self.opened.done():
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._fail(ConnectionError(head.partition(b"\r\n")[0].decode()))
                return
            self._data = rest
            self.opened.set_result(None)
        while (frame := split_frame(self._data)) is not None:
            opcode, payload, self._data = frame
            self._handle(opcode, payload)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        self._fail(error or ConnectionError("closed"))

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._reader.receive(payload)
        elif opcode in (PING, CLOSE):
            answer = PONG if opcode == PING else CLOSE
            # The mask is zero, so the payload stays as it is.
            self._transport.write(bytes((0x80 | answer, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
            if opcode == CLOSE:
                self._transport.close()

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error if isinstance(error, OSError) else ConnectionError(str(error)))
            self._transport.abort()


def split_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return the opcode and the payload of the first frame, and the rest. None if it isn't complete."""
    if len(data) < 2:
        return None
    size, start = data[1] & 0x7F, 2
    if size >= 126:
        start = 4 if size == 126 else 10
        if len(data) < start:
            return None
        (size,) = struct.unpack_from(">H" if start == 4 else ">Q", data, 2)
    if len(data) < start + size:
        return None
    return data[0] & 0x0F, data[start : start + size], data[start + size :]


def _seq(position: str) -> int:
    return int(position.partition("-")[0])


async def _open_all(readers: Sequence[Reader], address: str, certificate: str, sources: Sequence[str]) -> None:
    tls = ssl.create_default_context(cafile=certificate)
    async with asyncio.TaskGroup() as group:
        for number, reader in enumerate(readers):
            group.create_task(reader.run((address, TLS_PORT), sources[number % len(sources)], tls))
            await asyncio.sleep(random.random() * 2 / OPENED_PER_S)


async def main(address: str, certificate: str, count: str, *sources: str) -> None:
    """Answer commands until standard input ends."""
    crowd = Crowd()
    readers = [Reader(crowd) for _ in range(int(count))]
    loop = asyncio.get_running_loop()
    following = loop.create_task(_open_all(readers, address, certificate, sources))
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if following.done():
            following.result()
        crowd.least = min(reader.seq for reader in readers)
        answer = crowd if word == "report" else msgspec.structs.replace(crowd, absences=[])
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        sys.stdout.flush()
    os._exit(0)  # closing thousands of connections in order would take seconds


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
