"""Hundreds of hostile readers: each is refused with a code or disconnected, and other readers don't notice."""

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

from tests.hostile.counts import TRIED
from tests.hostile.inputs import frame
from tests.hostile.target import Target
from tests.support.gateway_clients import HANDSHAKE
from tests.support.waiting import WAIT_S, eventually
from ticker.core.edition import REGIONS, SECTIONS

Answers: TypeAlias = Counter[tuple[int, str]]

MANY = 150
GROWTH_BYTES = 4 * 1024 * 1024
"""Maximum growth of the gateway's memory between the second and the last of several equal rounds."""


class Attacker:
    """A socket with a local address of our choice.

    Not asyncio's streams: they lose received data if the gateway resets a connection to which we have just written.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    @classmethod
    async def connect(cls, target: Target, host: str = "127.0.0.1", *, slow: bool = False) -> Attacker:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        if slow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.bind((host, 0))
        await asyncio.get_running_loop().sock_connect(connection, target.address)
        return cls(connection)

    async def send(self, data: bytes | str) -> None:
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(
                self.connection, data.encode() if isinstance(data, str) else data
            )

    async def read_status(self) -> tuple[int, str]:
        """Return the status, and the error code of a refusal."""
        head = b""
        async with asyncio.timeout(WAIT_S):
            while b"\r\n\r\n" not in head:
                piece = await self._receive()
                assert piece, f"the connection ended after {head!r}"
                head += piece
        status = int(head.split()[1])
        code = "" if status < 400 else json.loads((head + await self.read_to_end()).partition(b"\r\n\r\n")[2])["error"]
        return status, code

    async def read_to_end(self) -> bytes:
        """Return everything received until the gateway closes the connection."""
        received = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                while piece := await self._receive():
                    received += piece
        return received

    def close_sending_side(self) -> None:
        with suppress(OSError):  # already disconnected
            self.connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.connection.close()

    async def _receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.connection, 65_536)


class Crowd:
    """Attackers that disconnect at the end of the test."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._attackers: list[Attacker] = []

    async def connect(self, hosts: Sequence[str], *, slow: bool = False) -> list[Attacker]:
        TRIED["hostile connections"] += len(hosts)
        attackers = [await Attacker.connect(self._target, host, slow=slow) for host in hosts]
        self._attackers += attackers
        return attackers

    async def follow(self, hosts: Sequence[str]) -> tuple[list[Attacker], Answers]:
        attackers = await self.connect(hosts)
        for attacker in attackers:
            await attacker.send(HANDSHAKE.format(target="/v1/en/live", more=""))
        return attackers, Counter([await attacker.read_status() for attacker in attackers])

    def close(self) -> None:
        for attacker in self._attackers:
            attacker.close()
        self._attackers = []


@pytest_asyncio.fixture
async def crowd(target: Target) -> AsyncIterator[Crowd]:
    made = Crowd(target)
    yield made
    made.close()


async def test_one_address_gets_its_followers_and_then_429(target: Target, crowd: Crowd) -> None:
    _, answers = await crowd.follow(["127.0.0.2"] * MANY)
    assert answers == {(101, ""): 100, (429, "address-full"): MANY - 100}
    _, answers = await crowd.follow(["127.0.0.3"])
    assert answers == {(101, ""): 1}


async def test_many_addresses_fill_the_gateway_and_then_get_503(target: Target, crowd: Crowd) -> None:
    _, answers = await crowd.follow([f"127.0.1.{number % 40 + 1}" for number in range(350)])
    assert answers == {(101, ""): 299, (503, "full"): 51}  # our own reader is the 300th


async def test_one_address_gets_a_limited_number_of_connections_that_say_nothing(target: Target, crowd: Crowd) -> None:
    attackers = await crowd.connect(["127.0.0.2"] * MANY)
    refused = [attacker for attacker in attackers[100:] if b"address-full" in await attacker.read_to_end()]
    assert len(refused) == MANY - 100
    _, answers = await crowd.follow(["127.0.0.3"])
    assert answers == {(101, ""): 1}


BEGINNINGS = {
    "nothing": ("", ""),
    "one letter": ("G", ""),
    "a target without an end": ("GET /", "a"),
    "a header without an end": ("GET /v1/en/live HTTP/1.1\r\nX: ", "a"),
    "a body without an end": ("POST /v1/en/live HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n", "a"),
    "empty lines": ("\r\n", "\r\n"),
}


@pytest.mark.parametrize("case", BEGINNINGS)
async def test_a_reader_that_never_ends_a_request_is_cut_off(target: Target, crowd: Crowd, case: str) -> None:
    beginning, more = BEGINNINGS[case]
    cut_off = await target.read_metric("ticker_handshakes_timed_out_total")
    attackers = await crowd.connect(["127.0.0.2"] * 50)
    for attacker in attackers:
        await attacker.send(beginning)
    dripping = asyncio.create_task(drip(attackers, more))
    for attacker in attackers:
        await attacker.read_to_end()
    dripping.cancel()
    assert await target.read_metric("ticker_handshakes_timed_out_total") - cut_off == 50


async def drip(attackers: Sequence[Attacker], more: str) -> None:
    """Send a byte every 100 ms to each, as an attacker does that keeps connections open."""
    while True:
        for attacker in attackers:
            await attacker.send(more)
        await asyncio.sleep(0.1)


SELECTIONS = [f"section={one}&region={other}" for one in SECTIONS for other in REGIONS]


async def test_one_address_gets_its_selections_and_newcomers_get_theirs(target: Target, crowd: Crowd) -> None:
    assert await select(crowd, "127.0.0.2", SELECTIONS[:60]) == {(101, ""): 12, (429, "address-selections"): 48}
    assert await select(crowd, "127.0.0.3", SELECTIONS[-3:]) == {(101, ""): 3}


async def test_more_selections_than_there_may_be_get_503_and_the_default_is_free(target: Target, crowd: Crowd) -> None:
    assert await select(crowd, "127.0.0.2", SELECTIONS[:12]) == {(101, ""): 12}
    # Our own reader has the 20th frame cache.
    assert await select(crowd, "127.0.0.3", SELECTIONS[-12:]) == {(101, ""): 7, (503, "selections"): 5}
    assert await target.read_metric('ticker_frame_caches{edition="en"}') == 20
    everything = [f"lines={lines}" for lines in range(1, 31)]
    for host in ("127.0.0.2", "127.0.0.4"):
        assert await select(crowd, host, everything) == {(101, ""): 30}


async def select(crowd: Crowd, host: str, queries: Sequence[str]) -> Answers:
    """Follow with each query from one address."""
    attackers = await crowd.connect([host] * len(queries))
    for attacker, query in zip(attackers, queries, strict=True):
        await attacker.send(HANDSHAKE.format(target=f"/v1/en/live?{query}", more=""))
    return Counter([await attacker.read_status() for attacker in attackers])


async def test_half_open_connections_are_closed(target: Target, crowd: Crowd) -> None:
    """A follower that closes its sending side is disconnected."""
    attackers, answers = await crowd.follow(["127.0.0.2"] * 50)
    assert answers == {(101, ""): 50}
    for attacker in attackers:
        attacker.close_sending_side()
    for attacker in attackers:
        await attacker.read_to_end()
    await eventually(partial(_is, target, 'ticker_followers{edition="en"}', 1), "their followers are gone")


async def test_pipelined_requests_without_reading_do_not_block_others(target: Target, crowd: Crowd) -> None:
    attackers = await crowd.connect(["127.0.0.2"] * 20, slow=True)
    request = "GET /v1/en/lines?limit=500 HTTP/1.1\r\nHost: h\r\n\r\n"
    senders = [asyncio.create_task(attacker.send(request * 500)) for attacker in attackers]
    _, answers = await crowd.follow(["127.0.0.3"])
    assert answers == {(101, ""): 1}
    for sender in senders:
        sender.cancel()


BOMBS = {
    "a message with a length of exabytes": b"\x82\xff" + b"\x7f" * 8 + b"\0\0\0\0" + b"x" * 60_000,
    "a compressed bomb": b"\xc2\xff\x00\x00\x00\x00\x00\x01\x00\x00\0\0\0\0" + b"\x78\x9c" + b"\0" * 60_000,
    "fragments without an end": frame(1, b"x", fin=False) + frame(0, b"x", fin=False) * 20_000,
    "pings": frame(9, b"x" * 125, fin=True) * 500,
    "pongs": frame(10, b"x" * 125, fin=True) * 2_000 + frame(8, b"\x03\xe8", fin=True),
    "noise": bytes(range(256)) * 200,
}


@pytest.mark.parametrize("case", BOMBS)
async def test_memory_and_files_do_not_grow_with_rounds_of(target: Target, crowd: Crowd, case: str) -> None:
    sizes = []
    for _ in range(4):
        attackers, answers = await crowd.follow(["127.0.0.2"] * 60)
        assert answers == {(101, ""): 60}
        for attacker in attackers:
            await attacker.send(BOMBS[case])
            attacker.close_sending_side()
        for attacker in attackers:
            await attacker.read_to_end()
            await eventually(partial(_is, target, 'ticker_followers{edition="en"}', 1), "their followers are gone")
        sizes.append(await asyncio.to_thread(lambda: target.resident_bytes))
    assert sizes[-1] - sizes[1] < GROWTH_BYTES, sizes


async def _is(target: Target, name: str, value: float) -> bool:
    return await target.read_metric(name) == value
