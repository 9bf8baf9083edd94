"""The metrics of two workers add up, and agree with what their clients and the kernel saw."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from websockets.frames import Opcode

from tests.support.gateway_clients import HANDSHAKE, masked
from tests.support.log_writer import LogWriter
from tests.support.servers import free_port
from tests.support.system import Program, environment
from tests.support.waiting import WAIT_S, eventually

HOST = "127.0.0.1"
LIVE, EVENTS = "/v1/en/live", "/v1/en/events"
EVENTS_REQUEST = "GET {target} HTTP/1.1\r\nHost: ticker.test\r\n\r\n"


class Client:
    """A client that reads everything, and counts."""

    def __init__(self, port: int, request: str) -> None:
        self._port = port
        self._request = request
        self._received = bytearray()
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._reader, self.writer = await asyncio.open_connection(HOST, self._port)
        self.writer.write(self._request.encode())
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self._task

    async def _read(self) -> None:
        while data := await self._reader.read(65_536):
            self._received += data
        self.ended.set()

    @property
    def size(self) -> int:
        return len(self._received)

    @property
    def lines(self) -> int:
        """The number of `line` messages."""
        return self._received.count(b'{"type":"line"')

    @property
    def is_live(self) -> bool:
        return b'{"type":"live"' in self._received


class Gateways:
    """Two workers, which serve their metrics on a port of their own."""

    def __init__(self, running: Program, metrics_port: int) -> None:
        self.port = running.port
        self._metrics = f"http://{HOST}:{metrics_port}/metrics"

    async def sums(self) -> Counter[tuple[str, ...]]:
        """Return each series as a whole number, summed over the workers and editions.

        Its key is its name, and the values of its other labels.
        """
        async with httpx.AsyncClient() as client:
            text = (await client.get(self._metrics, timeout=WAIT_S)).text
        summed: Counter[tuple[str, ...]] = Counter()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = [sample.labels[each] for each in sorted(sample.labels) if each not in ("worker", "edition")]
                summed[(sample.name, *labels)] += int(sample.value)
        return summed

    @property
    def open_sockets(self) -> int:
        """The number of connections that the kernel has on the gateways' port."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        return sum(row[1].endswith(f":{self.port:04X}") and row[3] in ("01", "08") for row in rows)


@pytest_asyncio.fixture
async def gateways(redis_url: str, log: LogWriter, folder: Path) -> AsyncIterator[Gateways]:
    await log.post_many(5)
    metrics_port = free_port()
    words = ["gateway", "--port", "0", "--workers", "2", "--metrics", f"{HOST}:{metrics_port}"]
    # Two heartbeat slots, so that write groups have several members.
    environ = environment(TICKER_REDIS_URL=redis_url, TICKER_HEARTBEAT_S="2", TICKER_HANDSHAKE_S="60")
    running = Program(words, environ, folder / "gateway.log")
    try:
        await asyncio.to_thread(running.start)
        yield Gateways(running, metrics_port)
    finally:
        await asyncio.to_thread(running.stop)


def total(sums: Counter[tuple[str, ...]], name: str) -> int:
    """Return the sum over all labels."""
    return sum(value for (found, *_), value in sums.items() if found == name)


async def test_metrics_of_two_workers_add_up(gateways: Gateways, log: LogWriter) -> None:
    returning = f"{LIVE}?after={log.at(2)}"
    requests = [
        *[HANDSHAKE.format(target=LIVE, more="")] * 12,
        *[HANDSHAKE.format(target=LIVE, more="Sec-WebSocket-Extensions: permessage-deflate\r\n")] * 2,
        *[EVENTS_REQUEST.format(target=EVENTS)] * 4,
        *[HANDSHAKE.format(target=returning, more="")] * 4,
    ]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(gateways.port, each)) for each in requests]
        plain, replayed = [*clients[:12], *clients[14:18]], clients[18:]
        refused = await stack.enter_async_context(Client(gateways.port, EVENTS_REQUEST.format(target="/v1/xx/events")))
        idle = await stack.enter_async_context(Client(gateways.port, ""))
        page = await stack.enter_async_context(Client(gateways.port, EVENTS_REQUEST.format(target="/v1/en/board")))
        await eventually(lambda: all(each.is_live for each in [*plain, *replayed]), "the followers are live")
        await eventually(lambda: page.size and refused.ended.is_set(), "the other requests are answered")
        for number in range(3):
            await log.post(f"line {number}")
            await eventually(lambda: all(each.lines > number for each in plain), "all have the line")  # noqa: B023
        await eventually(lambda: all(each.lines == 6 for each in replayed), "all have the replay and the lines")

        async def agree() -> bool:
            sums = await gateways.sums()
            return sums["ticker_written_bytes_total",] == sum(each.size for each in clients)

        await eventually(agree, "the bytes written are those received")
        sums = await gateways.sums()
        assert sums["ticker_deliveries_total",] == 22 * 3 + 4 * 3
        assert sums["ticker_replayed_total",] == 4 * 3
        assert sums["ticker_entries_total",] == sums["ticker_posted_to_written_seconds_count",] == 2 * 3
        assert sums["ticker_entries_loaded_total",] == 2 * 5
        assert sums["ticker_passes_total",] == sums["ticker_pass_seconds_count",] >= 2
        assert sums["ticker_followers_joined_total",] == sums["ticker_followers",] == 22
        assert sums["ticker_handshake_seconds_count",] == 22
        assert sums["ticker_connections_opened_total",] == 25
        assert sums["ticker_connections_closed_total", "refused"] == 1
        assert sums["ticker_connections",] == 24
        # On a busy machine, the kernel's list may miss a connection while others come and go.
        await eventually(lambda: gateways.open_sockets == 24, "the kernel has as many")

        for leaving in plain[:5]:
            leaving.writer.close()
        clients[5].writer.write(masked(Opcode.TEXT, b"hello"))
        idle.writer.transport.abort()

        async def are_gone() -> bool:
            return (await gateways.sums())["ticker_followers",] == 16 and gateways.open_sockets == 18

        await eventually(are_gone, "seven clients are gone")
        sums = await gateways.sums()
        assert (sums["ticker_followers_left_total", "ended"], sums["ticker_followers_left_total", "sent-data"]) == (
            5,
            1,
        )
        assert sums["ticker_followers_joined_total",] == total(sums, "ticker_followers_left_total") + 16
        closed = total(sums, "ticker_connections_closed_total")
        assert sums["ticker_connections_opened_total",] == closed + sums["ticker_connections",]
        assert sums["ticker_connections",] == gateways.open_sockets
