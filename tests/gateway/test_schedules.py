"""Random schedules of events. Afterwards each reader's fold equals the fold of the log.

The seed determines a schedule: `pytest -k 'schedule and 3'` repeats number 3.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random

import pytest
import websockets

from tests.support.gateway_clients import Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.strategies import reader_entry
from tests.support.waiting import eventually
from ticker.core.board import Board
from ticker.core.edition import NOTICES
from ticker.core.line import Change, Line, Status
from ticker.core.messages import BoardMessage, LineMessage
from ticker.gateway.server import Gateway

SIZE = 100


class Ticker:
    """A reader that connects, disconnects and reconnects, and folds the messages."""

    def __init__(self) -> None:
        self.board = Board()
        self.position: str | None = None
        self.seen: list[int] = []
        self.reader: Reader | None = None
        self._reading: asyncio.Task[None] | None = None
        self.may_read = asyncio.Event()
        self.may_read.set()

    async def connect(self, gateway: Gateway) -> None:
        after = "" if self.position is None else f"&after={self.position}"
        reader = Reader(gateway.address, f"lines={SIZE}{after}", max_queue=2)

        async def is_accepted() -> bool:
            """Connect. A gateway refuses a reader that has seen more than it, until it has read the log so far."""
            try:
                await reader.__aenter__()
            except websockets.InvalidStatus as refused:
                if b'"behind"' not in (refused.response.body or b""):
                    raise
                return False
            return True

        await eventually(is_accepted, "the gateway accepts the reader")
        self.reader = reader
        self._reading = asyncio.create_task(self._read(reader))

    async def _read(self, reader: Reader) -> None:
        try:
            while True:
                await self.may_read.wait()
                message = await reader.next()
                if isinstance(message, BoardMessage):
                    self.board, self.seen = Board(), []
                    for line in reversed(message.lines):
                        self.board.apply(reader_entry(line))
                elif isinstance(message, LineMessage):
                    self.board.apply(reader_entry(message.line))
                    self.seen.append(int(message.position.partition("-")[0]))
                self.position = getattr(message, "position", self.position)
        except websockets.ConnectionClosed:
            pass

    def toggle_reading(self) -> None:
        if self.may_read.is_set():
            self.may_read.clear()
        else:
            self.may_read.set()

    async def drop(self) -> None:
        """Abort the connection, as a lost network does."""
        if self.reader is not None and self._reading is not None:
            self.reader.connection.transport.abort()
            self.may_read.set()
            await self._reading
            self.reader = self._reading = None

    def shown(self, now: datetime) -> list[Line]:
        return self.board.lines(now, SIZE, notices=NOTICES)


async def _append_something(log: LogWriter, chance: Random) -> None:
    lines = [each.line for each in log.board().newest_first() if each.line.status is Status.USABLE]
    kind = chance.random()
    if lines and kind < 0.2:
        await log.change(chance.choice(lines), Change.UPDATE, text=f"updated {len(log.logged)}")
    elif lines and kind < 0.35:
        await log.withdraw(chance.choice(lines))
    elif kind < 0.5 and len(lines) < SIZE - 40:
        await log.post_many(chance.randint(1, 30), "burst " * chance.choice((1, 100)))
    elif len(lines) < SIZE - 1:
        await log.post(f"line {len(log.logged)}")


async def _something_happens(
    log: LogWriter, gateways: list[Gateway], ticker: Ticker, chance: Random, *, may_rotate: bool
) -> None:
    what = chance.random()
    if what < 0.5:
        await _append_something(log, chance)
    elif what < 0.75:
        await ticker.drop()
        await ticker.connect(chance.choice(gateways))
    elif what < 0.85:
        await ticker.drop()
    elif what < 0.97:
        ticker.toggle_reading()
    elif may_rotate:
        await log.rotate()


@pytest.mark.parametrize("seed", range(4))
async def test_each_readers_fold_equals_the_logs_after_any_schedule(log: LogWriter, start: Start, seed: int) -> None:
    chance = Random(seed)
    gateways = [await start(), await start()]
    tickers = [Ticker() for _ in range(8)]
    async with AsyncExitStack() as stack:
        for each in tickers:
            stack.push_async_callback(each.drop)
        for _ in range(120):
            await _something_happens(log, gateways, chance.choice(tickers), chance, may_rotate=seed % 2 == 1)
        for ticker in tickers:
            ticker.may_read.set()
            if ticker.reader is None:
                await ticker.connect(chance.choice(gateways))
        await log.post("the last line")
        now = datetime.now(UTC)
        for ticker in tickers:
            await eventually(lambda ticker=ticker: ticker.position == log.head, "the reader is at the head")
            assert ticker.shown(now) == log.board().lines(now, SIZE, notices=NOTICES)
            assert ticker.seen == list(range(len(log.logged) - len(ticker.seen) + 1, len(log.logged) + 1))
            await ticker.drop()
