"""Varnish and nginx in front of a gateway, with the files of `deploy/cdn/`: readers that poll the tail through them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio

from tests.support.caches import CACHES, Cache, poll_raw
from tests.support.log_writer import LogWriter
from tests.support.servers import HOST, RedisServer, free_port
from tests.support.system import Program, environment
from tests.support.waiting import eventually
from ticker.client import BoardMessage, LineMessage, poll
from ticker.core.line import Line
from ticker.web.tail import WITHDRAWN_WITHIN_S

CONNECTIONS: Final = 200
POLLS: Final = 10_000
STALE_S: Final = 4
SECRET: Final = "SECRETWORD"


class Origin(Program):
    """A gateway that keeps its port after a restart."""

    def __init__(self, redis: RedisServer, log: Path) -> None:
        self.fixed_port = free_port()
        variables = {"TICKER_TAIL_STALE_S": str(STALE_S), "TICKER_DRAIN_S": "1"}
        super().__init__(
            ["gateway", "--port", str(self.fixed_port)], environment(TICKER_REDIS_URL=redis.url, **variables), log
        )

    async def requests(self) -> int:
        """Return how often the tail was requested here."""
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"http://{HOST}:{self.fixed_port}/metrics")).text
        found = re.search(r'^ticker_tail_requests_total\{edition="en"\} (\S+)', text, re.MULTILINE)
        return int(float(found[1])) if found else 0


class Screen:
    """The lines that a reader shows who polls."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    @property
    def texts(self) -> set[str]:
        return {line.text for line in self.lines.values()}

    async def run(self, url: str) -> None:
        async with aclosing(poll(f"{url}/en", every_s=0.1)) as messages:
            async for message in messages:
                if isinstance(message, BoardMessage):
                    self.lines = {line.id: line for line in message.lines}
                elif isinstance(message, LineMessage):
                    self.lines[message.line.id] = message.line


@asynccontextmanager
async def showing(cache: Cache) -> AsyncIterator[Screen]:
    screen = Screen()
    task = asyncio.create_task(screen.run(cache.url))
    try:
        yield screen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture
async def quiet(redis_server: RedisServer) -> AsyncIterator[LogWriter]:
    """An edition that hardly anybody reads."""
    async with aclosing(await LogWriter(redis_server.url, "es").begin()) as writer:
        yield writer


@pytest_asyncio.fixture
async def log(redis_server: RedisServer) -> AsyncIterator[LogWriter]:
    async with aclosing(await LogWriter(redis_server.url).begin()) as writer:
        yield writer


async def last_with(client: httpx.AsyncClient, url: str, text: str) -> float:
    """Request the tail until it is an error or lacks `text`. Return when the last request with the text began."""
    last = 0.0
    while True:
        began = time.monotonic()
        response = await client.get(url)
        if response.status_code != 200 or text not in response.text:
            return last
        last = began


@pytest.mark.parametrize("name", CACHES)
async def test_caches_protect_the_gateway_and_obey_a_withdrawal(
    name: str, log: LogWriter, quiet: LogWriter, redis_server: RedisServer, folder: Path
) -> None:
    secret, other = await log.post(f"{SECRET} one"), await quiet.post(f"{SECRET} two")
    await log.post("Night trains return")
    with (
        Origin(redis_server, folder / "gateway.log") as gateway,
        Cache(folder / name, name, gateway.fixed_port) as cache,
    ):
        # Ten thousand polls: at most one request per second reaches the gateway.
        began = time.monotonic()
        polls = (poll_raw(cache.port, "/v1/en/tail", POLLS // CONNECTIONS) for _ in range(CONNECTIONS))
        statuses = {status for each in await asyncio.gather(*polls) for status in each}
        requests = await gateway.requests()
        assert statuses == {200}
        assert 1 <= requests <= time.monotonic() - began + 1
        async with showing(cache) as screen, httpx.AsyncClient(trust_env=False) as client:
            await eventually(lambda: f"{SECRET} one" in screen.texts, "the reader has the board")
            # A withdrawn text leaves the cache within the stated time, and then the reader's screen.
            tail = f"{cache.url}/v1/en/tail"
            await log.withdraw(secret)
            await last_with(client, f"http://{HOST}:{gateway.fixed_port}/v1/en/tail", SECRET)
            withdrawn = time.monotonic()
            assert await last_with(client, tail, SECRET) - withdrawn <= WITHDRAWN_WITHIN_S
            # Also if nobody has requested the copy since.
            assert SECRET in (await client.get(f"{cache.url}/v1/es/tail")).text
            await quiet.withdraw(other)
            await last_with(client, f"http://{HOST}:{gateway.fixed_port}/v1/es/tail", SECRET)
            withdrawn = time.monotonic()
            await eventually(lambda: time.monotonic() - withdrawn > WITHDRAWN_WITHIN_S, "the stated time has passed")
            assert SECRET not in (await client.get(f"{cache.url}/v1/es/tail")).text
            await eventually(lambda: not any(SECRET in text for text in screen.texts), "the reader shows no such text")
            # Without the gateway, the board stays for the stated time.
            await eventually(lambda: "Night trains return" in screen.texts, "the reader has the other line")
            gateway.kill()
            killed = time.monotonic()
            assert (await client.get(tail)).status_code == 200
            assert 0 < await last_with(client, tail, "Night trains") - killed <= STALE_S + WITHDRAWN_WITHIN_S
            assert "Night trains return" in screen.texts, "a reader keeps what it has"
            await log.post("Trains run again")
            await asyncio.to_thread(gateway.start)
            await eventually(lambda: "Trains run again" in screen.texts, "the reader has the newest line")
