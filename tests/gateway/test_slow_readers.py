"""Readers that are slow or read nothing cost little, delay nobody, and miss nothing."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.frames import Opcode

from tests.support.gateway_clients import RawClient, Reader, line_numbers, masked
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.gateway import server
from ticker.gateway.follower import Leave
from ticker.gateway.server import UNSENT_BYTES, Gateway

ENTRIES = 10_000


async def test_reader_that_stalls_for_10_000_entries_then_gets_all_in_order(log: LogWriter, gateway: Gateway) -> None:
    channel = gateway.hub.channels["en"]
    mark = gateway.hub.settings.follower_buffer_bytes
    held: list[int] = []
    async with RawClient(gateway.address, small=True) as slow, Reader(gateway.address) as quick:
        await slow.open()
        await quick.until_live()
        (follower, *_) = [each for slot in channel.members.slots for each in slot]
        for _ in range(ENTRIES // 500):
            await log.post_many(500, "x" * 200)
            await quick.until_at(log.head)
            held.append(follower.transport.get_write_buffer_size())
        assert len(channel.members.paused) == 1
        assert await line_numbers(slow, ENTRIES) == list(range(1, ENTRIES + 1))
        assert len(channel.members.paused) == 0
        await log.post("live again")
        assert await line_numbers(slow, ENTRIES + 1) == [ENTRIES + 1]
    assert len(quick.lines) == ENTRIES
    # Live followers share the bytes in their write buffers.
    assert max(held) <= 8 * mark


async def test_kernel_buffers_little_for_a_reader_that_does_not_read(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        (follower, *_) = [each for slot in gateway.hub.channels["en"].members.slots for each in slot]
        with follower.transport.get_extra_info("socket") as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT_BYTES


async def test_kernel_drops_a_peer_that_stops_acknowledging(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends a connection whose bytes can't be delivered for TCP_USER_TIMEOUT.

    Simulating a peer that vanishes needs a packet filter. A receive window that stays closed has the same effect.
    """
    monkeypatch.setattr(server, "USER_TIMEOUT_MS", 300)
    await log.post_many(5000, "x" * 900)
    gateway = await start(follower_paused_s=3600)
    async with RawClient(gateway.address, small=True) as vanished, Reader(gateway.address) as other:
        await other.until_live()
        await vanished.open(f"/v1/en/live?after={log.at(0)}")
        await eventually(lambda: gateway.hub.admission.followers == 1, "the kernel has dropped it")
        await log.post("and others follow on")
        await other.until_at(log.head)
    assert gateway.hub.channels["en"].counts.left.keys() <= {Leave.ENDED, Leave.LOST}


async def test_every_connection_has_tcp_user_timeout(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        (follower, *_) = [each for slot in gateway.hub.channels["en"].members.slots for each in slot]
        with follower.transport.get_extra_info("socket") as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == server.USER_TIMEOUT_MS == 30_000


async def test_slow_replay_is_complete_and_buffers_at_most_two_marks(log: LogWriter, start: Start) -> None:
    await log.post_many(ENTRIES, "x" * 200)
    gateway = await start()
    channel = gateway.hub.channels["en"]
    async with RawClient(gateway.address, small=True) as slow:
        await slow.open(f"/v1/en/live?after={log.at(0)}")
        (follower, *_) = [each for slot in channel.members.slots for each in slot]
        await eventually(lambda: channel.members.paused, "the follower is paused")
        held, numbers = 0, [0]
        while numbers[-1] != ENTRIES:
            held = max(held, follower.transport.get_write_buffer_size())
            numbers += await line_numbers(slow, min(numbers[-1] + 100, ENTRIES))
    assert numbers == list(range(ENTRIES + 1))
    assert held <= 2 * gateway.hub.settings.follower_buffer_bytes


async def test_peer_that_pings_and_never_reads_fills_no_write_buffer(log: LogWriter, start: Start) -> None:
    await log.post_many(5000, "x" * 900)
    gateway = await start()
    channel = gateway.hub.channels["en"]
    async with RawClient(gateway.address, small=True) as client:
        await client.open(f"/v1/en/live?after={log.at(0)}")
        await eventually(lambda: channel.members.paused, "the follower is paused")
        (follower, *_) = [each for slot in channel.members.slots for each in slot]
        ping = masked(Opcode.PING, b"x" * 125)
        try:
            async with asyncio.timeout(1):
                while True:
                    await asyncio.get_running_loop().sock_sendall(client.socket, ping)
        except (TimeoutError, ConnectionError):
            pass  # the gateway has stopped reading, or has closed the connection
        assert follower.transport.get_write_buffer_size() <= 2 * gateway.hub.settings.follower_buffer_bytes
