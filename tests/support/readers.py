"""A WebSocket client of a running gateway. It reads in the background and records every message.

Use `gateway_clients.Reader` if a test must decide when to read.

async with RecordingReader(system.url, "en") as reader:
    await reader.until(lambda: len(reader.lines) == 3)
async with RecordingReader(system.url, "en", after=reader.position) as reader: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.support.waiting import WAIT_S
from ticker.core.line import Line
from ticker.core.messages import (
    BoardMessage,
    ByeMessage,
    ForgetMessage,
    LineMessage,
    LiveMessage,
    Message,
    decode_message,
)


class RecordingReader:
    """A reader with one connection at a time. It keeps its messages when it disconnects or connects again.

    Attributes:
        messages: The messages of all connections, in order.
        position: The latest position. The next connection resumes from it.
        close_code: The close code of the last connection, once it is closed.

    """

    def __init__(self, url: str, edition: str, *, after: str | None = None, **query: str | list[str]) -> None:
        self._base = f"ws{url.removeprefix('http')}/v1/{edition}/live"
        self._query = query
        self.position = after
        self.messages: list[Message] = []
        self.close_code: int | None = None
        self._connection: ClientConnection | None = None
        self._recorder: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def line_messages(self) -> list[LineMessage]:
        return [message for message in self.messages if isinstance(message, LineMessage)]

    @property
    def lines(self) -> list[Line]:
        """Every line received, live or in a replay."""
        return [message.line for message in self.line_messages]

    @property
    def boards(self) -> list[BoardMessage]:
        return [message for message in self.messages if isinstance(message, BoardMessage)]

    @property
    def seqs(self) -> list[int]:
        """The sequence numbers of the received lines, in the order of arrival."""
        return [int(message.position.partition("-")[0]) for message in self.line_messages]

    @property
    def is_live(self) -> bool:
        """Whether the current connection has received `live`."""
        return self._connection is not None and any(isinstance(message, LiveMessage) for message in self._latest)

    async def open(self) -> Self:
        """Connect, resume from `position` if it is set, and wait until the connection is live.

        Raises:
            InvalidStatus: If the gateway refuses the connection.

        """
        query = urlencode({**self._query, **({} if self.position is None else {"after": self.position})}, doseq=True)
        self._begun = len(self.messages)
        self._connection = await connect(
            f"{self._base}{'?' + query if query else ''}", open_timeout=WAIT_S, close_timeout=1, proxy=None
        )
        self._recorder = asyncio.create_task(self._record(self._connection))
        await self.until(lambda: self.is_live or self._connection is None)
        return self

    async def close(self) -> None:
        """Close the connection, as a closed page does."""
        connection, recorder = self._connection, self._recorder
        if connection is not None:
            await connection.close()
        if recorder is not None:
            await recorder

    async def drop(self) -> None:
        """Abort the connection, as a lost network does."""
        connection, recorder = self._connection, self._recorder
        if connection is not None:
            connection.transport.abort()
        if recorder is not None:
            await recorder

    async def until(self, condition: Callable[[], bool], within_s: float = WAIT_S) -> None:
        """Wait until `condition` is true. It is checked after every message and at the end of the connection."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"not within {within_s:g} s; {len(self.messages)} messages, at {self.position}"
            ) from None

    async def until_closed(self, within_s: float = WAIT_S) -> None:
        await self.until(lambda: self._connection is None, within_s)

    async def reopen(self, within_s: float = WAIT_S) -> None:
        """Connect again. Retry until a gateway accepts."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    await self.open()
                    return
                except (OSError, WebSocketException):
                    await asyncio.sleep(0.02)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    _begun = 0

    @property
    def _latest(self) -> list[Message]:
        return self.messages[self._begun :]

    async def _record(self, connection: ClientConnection) -> None:
        try:
            async for data in connection:
                message = decode_message(data)
                if message is not None:
                    self.messages.append(message)
                    if not isinstance(message, ByeMessage | ForgetMessage):
                        self.position = message.position
                self._changed.set()
        except ConnectionClosed:
            pass
        finally:
            self.close_code = connection.close_code
            self._connection = None
            self._changed.set()
