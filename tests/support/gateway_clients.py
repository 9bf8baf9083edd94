"""Clients of a gateway: a WebSocket client that records all messages, and a plain socket."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import websockets
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from tests.support.waiting import WAIT_S
from ticker.core.messages import BoardMessage, HeartbeatMessage, LineMessage, LiveMessage, Message, decode_message
from ticker.gateway.server import Gateway

M = TypeVar("M")
_POSITION = re.compile(rb'"position":"(\d+)-[0-9a-f]{16}"')

HANDSHAKE = (
    "GET {target} HTTP/1.1\r\nHost: ticker.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)
"""The opening handshake of RFC 6455, 1.3."""


class Reader:
    """A WebSocket client that reads only when a test calls it.

    `messages` are in order of arrival, without heartbeats: these may come at any moment on a busy machine.
    """

    def __init__(self, address: str, query: str = "", edition: str = "en", **options: Any) -> None:
        self.url = f"{address.replace('http', 'ws', 1)}/v1/{edition}/live{'?' if query else ''}{query}"
        self.messages: list[Message] = []
        self.texts: list[str] = []
        self.position: str | None = None
        self.closed: tuple[int | None, str] | None = None
        self._options = options
        self._connection: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        self._connection = await connect(
            self.url,
            **{"proxy": None, "ping_interval": None, "max_queue": None, "open_timeout": WAIT_S, **self._options},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()

    @property
    def connection(self) -> ClientConnection:
        assert self._connection is not None, "enter the reader first"
        return self._connection

    async def next(self) -> Message:
        """Return the next message. Raises ConnectionClosed at the end, and then sets `closed`."""
        try:
            async with asyncio.timeout(WAIT_S):
                text = await self.connection.recv(decode=True)
        except websockets.ConnectionClosed:
            self.closed = (self.connection.close_code, self.connection.close_reason or "")
            raise
        message = decode_message(text)
        assert message is not None, text
        if not isinstance(message, HeartbeatMessage):
            self.texts.append(text)
            self.messages.append(message)
        self.position = getattr(message, "position", self.position)
        return message

    async def next_of(self, kind: type[M]) -> M:
        """Return the next message, which must be of this kind. Skip heartbeats."""
        async with asyncio.timeout(WAIT_S):  # heartbeats must not prolong the wait
            message = await self.next()
            while isinstance(message, HeartbeatMessage) and kind is not HeartbeatMessage:
                message = await self.next()
        assert isinstance(message, kind), message
        return message

    async def until_live(self) -> Self:
        """Read the board or the replay, up to `live`."""
        while not isinstance(await self.next(), LiveMessage):
            pass
        return self

    async def until_at(self, position: str) -> Self:
        while self.position != position:
            await self.next()
        return self

    async def until_closed(self) -> tuple[int | None, str]:
        """Read to the end. Return the close code and the reason."""
        try:
            while True:
                await self.next()
        except websockets.ConnectionClosed:
            assert self.closed is not None
            return self.closed

    @property
    def boards(self) -> list[BoardMessage]:
        return [message for message in self.messages if isinstance(message, BoardMessage)]

    @property
    def lines(self) -> list[LineMessage]:
        return [message for message in self.messages if isinstance(message, LineMessage)]


class Refused(NamedTuple):
    status: int
    error: str
    headers: Any


async def refusal(address: str, query: str = "", **options: Any) -> Refused:
    """Return how the gateway refuses an opening handshake."""
    try:
        async with Reader(address, query, **options):
            raise AssertionError("the gateway accepted the connection")
    except websockets.InvalidStatus as error:
        response = error.response
        return Refused(response.status_code, json.loads(bytes(response.body))["error"], response.headers)


class RawClient:
    """A socket that sends and reads only when a test calls it. `small`: with a small receive buffer."""

    def __init__(self, address: str, *, small: bool = False, host: str | None = None) -> None:
        place = urlsplit(address)
        self._place = (place.hostname, place.port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if host is not None:
            self.socket.bind((host, 0))
        self.buffer = b""

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().sock_connect(self.socket, self._place)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()

    async def send(self, data: bytes | str) -> None:
        data = data.encode() if isinstance(data, str) else data
        async with asyncio.timeout(WAIT_S):
            await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def receive(self) -> bytes:
        """Receive at least one byte. Return an empty string at the end."""
        async with asyncio.timeout(WAIT_S):
            return await asyncio.get_running_loop().sock_recv(self.socket, 65_536)

    async def read_until(self, mark: bytes) -> bytes:
        """Read up to and including `mark`."""
        while mark not in self.buffer:
            data = await self.receive()
            assert data, f"the end came before {mark!r}: {self.buffer[-200:]!r}"
            self.buffer += data
        before, _, self.buffer = self.buffer.partition(mark)
        return before + mark

    async def read_to_end(self) -> bytes:
        """Read to the end, even if the connection is reset."""
        try:
            while data := await self.receive():
                self.buffer += data
        except ConnectionResetError:
            pass
        data, self.buffer = self.buffer, b""
        return data

    async def open(self, target: str = "/v1/en/live", more: str = "") -> bytes:
        """Send the opening handshake. Return the head of the response."""
        await self.send(HANDSHAKE.format(target=target, more=more))
        head = await self.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return head

    async def frame(self) -> tuple[Opcode, bytes]:
        """Read the next frame. Return its opcode and payload."""
        while (parsed := parse_frame(self.buffer)) is None:
            data = await self.receive()
            if not data:
                raise EOFError
            self.buffer += data
        opcode, payload, self.buffer = parsed
        return opcode, payload

    async def close_code(self) -> int:
        """Read up to a close frame, and return its code."""
        while True:
            opcode, payload = await self.frame()
            if opcode is Opcode.CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def get(self, path: str, more: str = "") -> tuple[int, bytes]:
        """Send a request. Return the status and the body of the response."""
        await self.send(f"GET {path} HTTP/1.1\r\nHost: ticker.test\r\n{more}\r\n")
        head = await self.read_until(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(self.buffer) < length:
            self.buffer += await self.receive()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(head.split()[1]), body


async def line_numbers(client: RawClient, last: int) -> list[int]:
    """Read up to the `line` message of entry `last`. Return the seqs of all `line` messages read."""
    numbers: list[int] = []
    while not numbers or numbers[-1] != last:
        opcode, payload = await client.frame()
        if opcode is Opcode.TEXT and payload.startswith(b'{"type":"line"'):
            found = _POSITION.search(payload)
            assert found is not None
            numbers.append(int(found[1]))
    return numbers


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    """Return a client's frame."""
    return bytes(Frame(opcode, payload, fin).serialize(mask=True))


def parse_frame(data: bytes) -> tuple[Opcode, bytes, bytes] | None:
    if len(data) < 2:
        return None
    length, start = data[1] & 0x7F, 2
    if length > 125:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        return None
    return Opcode(data[0] & 0x0F), data[start : start + length], data[start + length :]


def texts_of(messages: Sequence[Message]) -> list[str]:
    """Return the texts of all `line` messages."""
    return [message.line.text for message in messages if isinstance(message, LineMessage)]


async def metrics(gateway: Gateway) -> dict[tuple[str, ...], float]:
    """Return every sample of `/metrics` by its name and the values of its labels."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{gateway.address}/metrics")).text
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
