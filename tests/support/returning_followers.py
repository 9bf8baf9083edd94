"""Followers that reconnect as the protocol says: after the delay of the gateway's `bye`, with their position."""

from __future__ import annotations

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.support.waiting import WAIT_S
from ticker.core.messages import BoardMessage, ByeMessage, LineMessage, LiveMessage, decode_message

ERRORS: Final = (OSError, WebSocketException, httpx.HTTPError, TimeoutError)
AFTER_FAILURE_S: Final = 0.1


class ReturningFollower:
    """A follower. `run` it in a task.

    Attributes:
        seqs: The sequence numbers of all lines, in the order of arrival.
        boards: The number of boards.
        retries_ms: The delay of each `bye`.
        failures: Attempts that weren't accepted, and connections that ended without a `bye`.
        is_live: Whether it is connected and up to date.

    """

    def __init__(self, url: str, tls: ssl.SSLContext, on_lost: Callable[[], None] = lambda: None) -> None:
        self.url = url
        self.tls = tls
        self.seqs: list[int] = []
        self.boards = 0
        self.retries_ms: list[int] = []
        self.failures: list[str] = []
        self.is_live = False
        self.position: str | None = None
        self._on_lost = on_lost

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            byes, error = len(self.retries_ms), "the end came without a bye"
            try:
                async with aclosing(self._texts()) as texts:
                    async for text in texts:
                        self._record(text)
            except ERRORS as failure:
                error = f"{type(failure).__name__}: {failure}"
            self.is_live = False
            self._on_lost()
            if len(self.retries_ms) > byes:
                await asyncio.sleep(self.retries_ms[-1] / 1000)
            else:
                self.failures.append(error)
                await asyncio.sleep(AFTER_FAILURE_S)

    def _record(self, text: str) -> None:
        message = decode_message(text)
        match message:
            case BoardMessage():
                self.boards += 1
            case LineMessage():
                self.seqs.append(int(message.position.partition("-")[0]))
            case LiveMessage():
                self.is_live = True
            case ByeMessage():
                self.retries_ms.append(message.retry_ms)
            case _:
                pass
        self.position = getattr(message, "position", self.position)

    @abstractmethod
    def _texts(self) -> AsyncGenerator[str, None]:
        """Connect, and yield the messages of this connection."""


class SocketFollower(ReturningFollower):
    """A follower over a WebSocket."""

    async def _texts(self) -> AsyncGenerator[str, None]:
        after = "" if self.position is None else f"?after={self.position}"
        url = f"wss{self.url.removeprefix('https')}/v1/en/live{after}"
        async with connect(url, ssl=self.tls, open_timeout=WAIT_S, close_timeout=1, proxy=None) as connection:
            try:
                async for data in connection:
                    yield data if isinstance(data, str) else data.decode()
            except ConnectionClosed:
                return


class EventsFollower(ReturningFollower):
    """A follower over Server-Sent Events."""

    async def _texts(self) -> AsyncGenerator[str, None]:
        headers = {} if self.position is None else {"Last-Event-ID": self.position}
        async with (
            httpx.AsyncClient(verify=self.tls, timeout=WAIT_S, trust_env=False) as client,
            client.stream("GET", f"{self.url}/v1/en/events", headers=headers) as response,
        ):
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    yield line.removeprefix("data: ")
