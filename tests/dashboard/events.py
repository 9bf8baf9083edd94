"""The readers, the editors and the failures of which `tests.dashboard.record` records the data."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from scripts.topologies.system import RunningTopology
from tests.support.webhook_receiver import WebhookReceiver
from ticker.client.publisher import Publisher
from ticker.core.errors import TickerError
from ticker.core.messages import decode_message
from ticker.core.submission import ReceiptStatus
from ticker.demo import load_stories

EDITIONS: Final = {"en": 90, "ar": 60, "es": 40}
"""The editions, and how many readers each one has at first."""
FOREIGN: Final = f"3-{'0' * 16}"
"""A position in the history of another log."""
HANG_S: Final = 2.2
"""Prometheus misses two scrapes. `rate` over four scrapes still sees what happened."""
PROBLEMS: Final = (OSError, WebSocketException, TimeoutError)


class Reader:
    """A reader that follows an edition until it is cancelled. It resumes from its position, at any gateway."""

    def __init__(self, edition: str, addresses: Sequence[tuple[str, int]], position: str | None = None) -> None:
        self._edition = edition
        self._addresses = itertools.cycle(random.sample(addresses, len(addresses)))
        self._position = position
        self._connection: ClientConnection | None = None

    async def run(self) -> None:
        while True:
            with suppress(*PROBLEMS):
                await self._follow(next(self._addresses))
            await asyncio.sleep(random.uniform(0.2, 2))

    async def _follow(self, address: tuple[str, int]) -> None:
        query = "" if self._position is None else "?" + urlencode({"after": self._position})
        url = f"ws://{address[0]}:{address[1]}/v1/{self._edition}/live{query}"
        async with connect(url, open_timeout=5, close_timeout=1, ping_interval=None, proxy=None) as self._connection:
            async for data in self._connection:
                message = decode_message(data)
                self._position = getattr(message, "position", self._position)

    def lose(self) -> None:
        """Reset the connection, as a lost network does. The reader comes back."""
        if self._connection is not None:
            transport = self._connection.transport
            # Closing then sends a reset, and not the end of the data.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()


class Crowd:
    """All readers. Use as an async context manager."""

    def __init__(self, addresses: Sequence[tuple[str, int]]) -> None:
        self._addresses = addresses
        self._readers: dict[Reader, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave(len(self._readers))

    def join(self, edition: str, count: int, position: str | None = None) -> None:
        for _ in range(count):
            reader = Reader(edition, self._addresses, position)
            self._readers[reader] = asyncio.create_task(reader.run())

    async def leave(self, count: int) -> None:
        """Let readers close their pages."""
        gone = [self._readers.pop(reader) for reader in list(self._readers)[-count:]] if count else []
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)

    def lose(self, count: int) -> None:
        for reader in random.sample(list(self._readers), count):
            reader.lose()


class Newsroom:
    """The editors Maha and Omar of each edition, and a CMS. Use as an async context manager."""

    def __init__(self, url: str, api: str, token: str) -> None:
        self._url, self._api, self._token = url, api, token
        self._stack = AsyncExitStack()
        self._texts = {edition: self._lines(edition) for edition in EDITIONS}
        self._tasks: set[asyncio.Task[None]] = set()
        self.maha: dict[str, Publisher] = {}
        self.omar: dict[str, Publisher] = {}

    async def __aenter__(self) -> Self:
        for edition in EDITIONS:
            for name, editors in (("maha", self.maha), ("omar", self.omar)):
                publisher = Publisher(self._url, edition=edition, editor=name)
                editors[edition] = await self._stack.enter_async_context(publisher)
        for edition, pace_s in (("en", 0.8), ("ar", 1.3), ("es", 2.0)):
            self._start(self._write(edition, pace_s))
        self._start(self._import())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    def _lines(self, edition: str) -> Callable[[], str]:
        found = itertools.cycle([text for story in load_stories() for text in story.lines[edition]])
        number = itertools.count(100)
        return lambda: f"{next(found)} ({next(number)})"

    async def _write(self, edition: str, pace_s: float) -> None:
        """Post lines: some are updated, some withdrawn, and some have an undo window."""
        while True:
            await asyncio.sleep(random.expovariate(1 / pace_s))
            with suppress(TickerError):
                await self._write_one(edition)

    async def _write_one(self, edition: str) -> None:
        maha, chance = self.maha[edition], random.random()
        if chance < 0.1:
            await maha.post(self._texts[edition](), confirmed=True, again=True, undo_s=8.0)
            return
        receipt = await maha.post(self._texts[edition](), again=chance < 0.6, confirmed=True)
        if receipt.status is not ReceiptStatus.ON_AIR or receipt.id is None:
            return
        if chance < 0.3:
            await maha.update(receipt.id, self._texts[edition](), again=True, confirmed=True)
        elif chance < 0.35:
            await maha.withdraw(receipt.id, "The source has withdrawn it.")

    async def hold(self) -> None:
        """Submit items that wait: for their time, and for a second person."""
        for seconds in (40, 60, 90, 3600):
            for edition in EDITIONS:
                at = datetime.now(UTC) + timedelta(seconds=seconds)
                await self.omar[edition].post(self._texts[edition](), publish_at=at, again=True, confirmed=True)
        for _ in range(3):
            await self.omar["en"].post(self._texts["en"](), urgency=1, again=True, confirmed=True)

    async def approve(self) -> None:
        maha = self.maha["en"]
        for held in await maha.held_items():
            if held.submission.urgency == 1:
                await maha.approve(held)
                return

    async def _import(self) -> None:
        """Post from a CMS. Some requests have a wrong token, and some a text that is refused."""
        async with httpx.AsyncClient(base_url=self._api, trust_env=False, timeout=20) as client:
            for number in itertools.count():
                await asyncio.sleep(1.5)
                token = "ticker_000000000000_wrong" if number % 9 == 4 else self._token
                text = "" if number % 9 == 7 else self._texts["en"]()
                body = {"change": "new", "text": text, "confirmed": True, "again": True}
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f'"{number}"'}
                with suppress(httpx.HTTPError):
                    await client.post("/v1/en/submissions", json=body, headers=headers)


class Events:
    """Everything that happens while the data are recorded."""

    def __init__(self, system: RunningTopology, crowd: Crowd, newsroom: Newsroom, receiver: WebhookReceiver) -> None:
        self._system, self._crowd, self._newsroom, self._receiver = system, crowd, newsroom, receiver

    async def run(self) -> None:
        """Let each event happen at its second."""
        plan: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (0, self._readers_come),
            (8, self._newsroom.hold),
            (30, self._network_fails),
            (35, self._receiver_refuses),
            (50, self._gateway_hangs),
            (65, self._readers_of_another_log_come),
            (75, self._primary_dies),
            (95, self._newsroom.approve),
            (115, self._gateway_restarts),
            (140, self._gateways_are_full),
        ]
        await asyncio.gather(*(self._at(*each) for each in plan))

    async def _at(self, second: float, event: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(second)
        await event()

    async def _readers_come(self) -> None:
        for _ in range(10):
            for edition, count in EDITIONS.items():
                self._crowd.join(edition, count // 10)
            await asyncio.sleep(2)

    async def _network_fails(self) -> None:
        self._crowd.lose(60)

    async def _receiver_refuses(self) -> None:
        self._receiver.status = 503
        await asyncio.sleep(25)
        self._receiver.status = 204

    async def _gateway_hangs(self) -> None:
        gateway = self._system.processes["gateway1"]
        gateway.send_signal(signal.SIGSTOP)
        await asyncio.sleep(HANG_S)
        gateway.send_signal(signal.SIGCONT)

    async def _readers_of_another_log_come(self) -> None:
        self._crowd.join("en", 12, FOREIGN)

    async def _primary_dies(self) -> None:
        primary = await asyncio.to_thread(self._system.primary)
        await asyncio.to_thread(self._system.kill, primary)
        await asyncio.sleep(20)
        await asyncio.to_thread(self._system.start_host, primary)

    async def _gateway_restarts(self) -> None:
        await asyncio.to_thread(self._system.restart, "gateway2")

    async def _gateways_are_full(self) -> None:
        self._crowd.join("en", 70)
        await asyncio.sleep(15)
        await self._crowd.leave(70)
