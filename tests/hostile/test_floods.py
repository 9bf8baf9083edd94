"""Readers by the hundred who mean harm: each is refused with a code or cut off, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import pytest
import pytest_asyncio

from tests.hostile.conftest import Siege
from tests.hostile.inputs import frame
from tests.hostile.tally import TRIED
from tests.support.gateway_clients import HANDSHAKE
from tests.support.waiting import eventually
from ticker.core.edition import REGIONS, SECTIONS

Answers: TypeAlias = Counter[tuple[int, str]]

MANY = 150
GROWTH_BYTES = 4 * 1024 * 1024
"""By how much a gateway may be larger after the last of several equal rounds than after the first of them."""


class Visitor:
    """A socket from one of this machine's own addresses.

    Bare: asyncio's streams forget what has come when the gateway cuts a connection that we wrote to just then.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    @classmethod
    async def come(cls, siege: Siege, host: str = "127.0.0.1", *, deaf: bool = False) -> Visitor:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        if deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.bind((host, 0))
        await asyncio.get_running_loop().sock_connect(connection, siege.address)
        return cls(connection)

    async def send(self, data: bytes | str) -> None:
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(
                self.connection, data.encode() if isinstance(data, str) else data
            )

    async def head(self) -> tuple[int, str]:
        """The status, and the code of a refusal."""
        head = b""
        async with asyncio.timeout(15):
            while b"\r\n\r\n" not in head:
                piece = await self._receive()
                assert piece, f"the connection ended after {head!r}"
                head += piece
        status = int(head.split()[1])
        code = "" if status < 400 else json.loads((head + await self.end()).partition(b"\r\n\r\n")[2])["error"]
        return status, code

    async def end(self) -> bytes:
        """What comes until the gateway ends the connection."""
        received = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while piece := await self._receive():
                    received += piece
        return received

    def say_no_more(self) -> None:
        with suppress(OSError):  # it is cut off already
            self.connection.shutdown(socket.SHUT_WR)

    def go(self) -> None:
        self.connection.close()

    async def _receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.connection, 65_536)


class Crowd:
    """Visitors, who all go at the end of the test."""

    def __init__(self, siege: Siege) -> None:
        self._siege = siege
        self._visitors: list[Visitor] = []

    async def come(self, hosts: Sequence[str], *, deaf: bool = False) -> list[Visitor]:
        TRIED["hostile connections"] += len(hosts)
        visitors = [await Visitor.come(self._siege, host, deaf=deaf) for host in hosts]
        self._visitors += visitors
        return visitors

    async def follow(self, hosts: Sequence[str]) -> tuple[list[Visitor], Answers]:
        visitors = await self.come(hosts)
        for visitor in visitors:
            await visitor.send(HANDSHAKE.format(target="/v1/en/live", more=""))
        return visitors, Counter([await visitor.head() for visitor in visitors])

    def go(self) -> None:
        for visitor in self._visitors:
            visitor.go()
        self._visitors = []


@pytest_asyncio.fixture
async def crowd(besieged: Siege) -> AsyncIterator[Crowd]:
    made = Crowd(besieged)
    yield made
    made.go()


async def test_one_address_gets_its_followers_and_then_429(besieged: Siege, crowd: Crowd) -> None:
    _, answers = await crowd.follow(["127.0.0.2"] * MANY)
    assert answers == {(101, ""): 100, (429, "address-full"): MANY - 100}
    _, answers = await crowd.follow(["127.0.0.3"])
    assert answers == {(101, ""): 1}


async def test_many_addresses_fill_the_gateway_and_then_get_503(besieged: Siege, crowd: Crowd) -> None:
    _, answers = await crowd.follow([f"127.0.1.{number % 40 + 1}" for number in range(350)])
    assert answers == {(101, ""): 299, (503, "full"): 51}  # one place is our own reader's


async def test_one_address_gets_no_more_connections_that_say_nothing(besieged: Siege, crowd: Crowd) -> None:
    visitors = await crowd.come(["127.0.0.2"] * MANY)
    refused = [visitor for visitor in visitors[100:] if b"address-full" in await visitor.end()]
    assert len(refused) == MANY - 100
    _, answers = await crowd.follow(["127.0.0.3"])
    assert answers == {(101, ""): 1}


BEGUN = {
    "nothing": ("", ""),
    "one letter": ("G", ""),
    "a target without an end": ("GET /", "a"),
    "a header without an end": ("GET /v1/en/live HTTP/1.1\r\nX: ", "a"),
    "a body without an end": ("POST /v1/en/live HTTP/1.1\r\nContent-Length: 9000\r\n\r\n", "a"),
    "empty lines": ("\r\n", "\r\n"),
}


@pytest.mark.parametrize("what", BEGUN)
async def test_who_never_ends_a_request_is_cut_off(besieged: Siege, crowd: Crowd, what: str) -> None:
    begun, more = BEGUN[what]
    cut_off = await besieged.ask("ticker_handshakes_timed_out_total")
    visitors = await crowd.come(["127.0.0.2"] * 50)
    for visitor in visitors:
        await visitor.send(begun)
    dripping = asyncio.create_task(drip(visitors, more))
    for visitor in visitors:
        await visitor.end()
    dripping.cancel()
    assert await besieged.ask("ticker_handshakes_timed_out_total") - cut_off == 50


async def drip(visitors: Sequence[Visitor], more: str) -> None:
    """A byte now and then, as those send who want a connection to look alive."""
    while True:
        for visitor in visitors:
            await visitor.send(more)
        await asyncio.sleep(0.1)


async def test_more_selections_than_there_may_be_get_503_and_nobody_loses_theirs(besieged: Siege, crowd: Crowd) -> None:
    wishes = [f"section={one}&region={other}" for one in SECTIONS for other in REGIONS][:60]
    visitors = await crowd.come(["127.0.0.2"] * len(wishes))
    for visitor, wish in zip(visitors, wishes, strict=True):
        await visitor.send(HANDSHAKE.format(target=f"/v1/en/live?{wish}", more=""))
    answers = Counter([await visitor.head() for visitor in visitors])
    assert answers == {(101, ""): 19, (503, "selections"): 41}  # one frame cache is our own reader's
    assert await besieged.ask('ticker_frame_caches{edition="en"}') == 20


async def test_half_open_peers_are_let_go(besieged: Siege, crowd: Crowd) -> None:
    """Who ends its own half of the connection has no more to say, and isn't waited for."""
    visitors, answers = await crowd.follow(["127.0.0.2"] * 50)
    assert answers == {(101, ""): 50}
    for visitor in visitors:
        visitor.say_no_more()
    for visitor in visitors:
        await visitor.end()
    await eventually(partial(_is, besieged, 'ticker_followers{edition="en"}', 1), "they are forgotten")


async def test_requests_by_the_hundred_without_reading_an_answer_are_bounded(besieged: Siege, crowd: Crowd) -> None:
    visitors = await crowd.come(["127.0.0.2"] * 20, deaf=True)
    request = "GET /v1/en/lines?limit=500 HTTP/1.1\r\nHost: h\r\n\r\n"
    senders = [asyncio.create_task(visitor.send(request * 500)) for visitor in visitors]
    _, answers = await crowd.follow(["127.0.0.3"])
    assert answers == {(101, ""): 1}
    for sender in senders:
        sender.cancel()


BOMBS = {
    "a message that says it has exabytes": b"\x82\xff" + b"\x7f" * 8 + b"\0\0\0\0" + b"x" * 60_000,
    "a compressed bomb": b"\xc2\xff\x00\x00\x00\x00\x00\x01\x00\x00\0\0\0\0" + b"\x78\x9c" + b"\0" * 60_000,
    "fragments without an end": frame(1, b"x", fin=False) + frame(0, b"x", fin=False) * 20_000,
    "pings": frame(9, b"x" * 125, fin=True) * 500,
    "pongs": frame(10, b"x" * 125, fin=True) * 2_000 + frame(8, b"\x03\xe8", fin=True),
    "noise": bytes(range(256)) * 200,
}


@pytest.mark.parametrize("what", BOMBS)
async def test_memory_and_files_come_back_after_rounds_of(besieged: Siege, crowd: Crowd, what: str) -> None:
    sizes = []
    for _ in range(4):
        visitors, answers = await crowd.follow(["127.0.0.2"] * 60)
        assert answers == {(101, ""): 60}
        for visitor in visitors:
            await visitor.send(BOMBS[what])
            visitor.say_no_more()
        for visitor in visitors:
            await visitor.end()
            await eventually(partial(_is, besieged, 'ticker_followers{edition="en"}', 1), "they are forgotten")
        sizes.append(await asyncio.to_thread(lambda: besieged.resident_bytes))
    assert sizes[-1] - sizes[1] < GROWTH_BYTES, sizes


async def _is(siege: Siege, name: str, value: float) -> bool:
    return await siege.ask(name) == value
