"""Followers that always reconnect, and record everything that they receive."""

from __future__ import annotations

import asyncio
import random
import ssl
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Final
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.invariants.records import Event, Opened
from ticker.core.messages import BoardMessage, LineMessage, Message, decode_message
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection

OPEN_S: Final = 5.0
CONNECTION_ERRORS = (OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError)


class Follower:
    """A follower. `run` it in a task. It connects to the addresses in turn, and resumes from its last position.

    After each message it leaves with `leave_probability`. After one of four such breaks it starts without a position.
    It reconnects after `silence_s` without a message. With `tls` it expects the certificate of `site`.
    """

    def __init__(
        self,
        name: str,
        addresses: Sequence[tuple[str, int]],
        rng: random.Random,
        *,
        selection: Selection = EVERYTHING,
        leave_probability: float = 0.0,
        tls: ssl.SSLContext | None = None,
        site: str = "ticker.test",
    ) -> None:
        self.name = name
        self.selection = selection
        self.events: list[Event] = []
        self.position: str | None = None
        self.leave_probability = leave_probability
        self.silence_s: float | None = None
        self.on_line: Callable[[LineMessage], None] = lambda line: None
        self._addresses = addresses
        self._rng = rng
        self._tls = tls
        self._site = site
        self._tries = rng.randrange(len(addresses))

    @property
    def boards(self) -> int:
        return sum(isinstance(event, BoardMessage) for event in self.events)

    def is_at(self, head: Position) -> bool:
        return self.position == str(head)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            starts_over = self.position is not None and self.leave_probability > 0 and self._rng.random() < 0.25
            after = None if starts_over else self.position
            self._tries += 1
            with suppress(*CONNECTION_ERRORS):
                await self._follow(self._addresses[self._tries % len(self._addresses)], after)
            await asyncio.sleep(self._rng.uniform(0.01, 0.1))

    async def _follow(self, address: tuple[str, int], after: str | None) -> None:
        async with aclosing(self._messages(address, after)) as messages:
            is_open = False
            while (data := await self._next(messages)) is not None:
                if not is_open:
                    is_open = True
                    self.events.append(Opened(after))
                message = decode_message(data)
                if message is not None:
                    self._record(message)
                if self._rng.random() < self.leave_probability:
                    return

    async def _next(self, messages: AsyncGenerator[bytes | str, None]) -> bytes | str | None:
        async with asyncio.timeout(self.silence_s):
            return await anext(messages, None)

    def _record(self, message: Message) -> None:
        self.events.append(message)
        self.position = getattr(message, "position", self.position)
        if isinstance(message, LineMessage):
            self.on_line(message)

    @property
    def query(self) -> list[tuple[str, str]]:
        sections, regions = self.selection.sections, self.selection.regions
        return [("section", each) for each in sections] + [("region", each) for each in regions]

    @abstractmethod
    def _messages(self, address: tuple[str, int], after: str | None) -> AsyncGenerator[bytes | str, None]: ...


class SocketFollower(Follower):
    """A follower over WebSocket."""

    async def _messages(self, address: tuple[str, int], after: str | None) -> AsyncGenerator[bytes | str, None]:
        query = urlencode([*self.query, *([] if after is None else [("after", after)])])
        where = f"ws://{address[0]}:{address[1]}" if self._tls is None else f"wss://{self._site}"
        async with connect(
            f"{where}/v1/en/live?{query}",
            host=address[0],
            port=address[1],
            ssl=self._tls,
            open_timeout=OPEN_S,
            close_timeout=0.5,
            ping_interval=None,
            proxy=None,
            max_queue=None,
        ) as connection:
            async for data in connection:
                yield data


class EventsFollower(Follower):
    """A follower over Server-Sent Events, which it parses as a browser's `EventSource` does."""

    async def _messages(self, address: tuple[str, int], after: str | None) -> AsyncGenerator[bytes | str, None]:
        # Not `wait_for`: before Python 3.12 it can lose a cancellation (python/cpython#86296).
        async with asyncio.timeout(OPEN_S):
            name = None if self._tls is None else self._site
            reader, writer = await asyncio.open_connection(*address, ssl=self._tls, server_hostname=name)
        try:
            resume = "" if after is None else f"Last-Event-ID: {after}\r\n"
            path = f"/v1/en/events?{urlencode(self.query)}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._site}\r\n{resume}\r\n".encode())
            async with asyncio.timeout(OPEN_S):
                head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                return
            is_chunked = b"\r\ntransfer-encoding: chunked" in head.lower()
            async for event in _events(reader, is_chunked=is_chunked):
                data = [line[6:] for line in event.splitlines() if line.startswith(b"data: ")]
                if data:
                    yield b"\n".join(data)
        finally:
            writer.transport.abort()


async def _events(reader: asyncio.StreamReader, *, is_chunked: bool) -> AsyncGenerator[bytes, None]:
    """Yield the events of a body. Some proxies send it in chunks, which end anywhere in an event."""
    rest = b""
    while True:
        if is_chunked:
            size = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
            rest += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                return
        else:
            rest += await reader.readuntil(b"\n\n")
        *events, rest = rest.split(b"\n\n")
        for event in events:
            yield event
