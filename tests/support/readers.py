"""A reader that writes down what it is sent: a real WebSocket client of a running gateway.

async with Reader(system.url, "en") as reader:
    await reader.until(lambda: len(reader.lines) == 3)
async with Reader(system.url, "en", after=reader.position) as reader: ...
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
from ticker.core.messages import BoardMessage, ByeMessage, LineMessage, LiveMessage, Message, decode_message


class Reader:
    """One connection at a time. What it recorded stays when it is left or opened again.

    Attributes:
        messages: All messages of all its connections, in order.
        at: The position of the newest: where the next connection goes on from.
        close_code: Of the last connection, once it is closed.

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
        """Every line that came as news or in a replay."""
        return [message.line for message in self.line_messages]

    @property
    def boards(self) -> list[BoardMessage]:
        return [message for message in self.messages if isinstance(message, BoardMessage)]

    @property
    def seqs(self) -> list[int]:
        """The numbers of the entries that came, in the order in which they came."""
        return [int(message.position.partition("-")[0]) for message in self.line_messages]

    @property
    def is_live(self) -> bool:
        """Whether the present connection has been told that it is at the head."""
        return self._connection is not None and any(isinstance(message, LiveMessage) for message in self._latest)

    async def open(self) -> Self:
        """Connect, from `at` on where there is one; return when it is live.

        Raises:
            InvalidStatus: If the gateway refuses.

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
        """Leave, as a page that is closed does."""
        connection, recorder = self._connection, self._recorder
        if connection is not None:
            await connection.close()
        if recorder is not None:
            await recorder

    async def drop(self) -> None:
        """Be gone without a word, as a lost network is."""
        connection, recorder = self._connection, self._recorder
        if connection is not None:
            connection.transport.abort()
        if recorder is not None:
            await recorder

    async def until(self, condition: Callable[[], bool], within_s: float = WAIT_S) -> None:
        """Wait until `condition` holds, which is asked after every message and when the connection ends."""
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
        """Connect again, as often as it takes for a gateway to be there."""
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
                    if not isinstance(message, ByeMessage):
                        self.position = message.position
                self._changed.set()
        except ConnectionClosed:
            pass
        finally:
            self.close_code = connection.close_code
            self._connection = None
            self._changed.set()
