"""Followers at the same cursor are written to directly: no bytes reach another connection, out of order or twice."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from websockets.frames import Opcode

from tests.support.channel_harness import MARK, OPTIONS, ChannelHarness, SocketTransport, socket_transport
from tests.support.gateway_clients import RawClient, Reader, line_numbers, masked
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.log_window import LogWindow
from ticker.core.messages import CloseCode
from ticker.core.selection import Selection
from ticker.gateway import write_groups
from ticker.gateway.channel import Channel
from ticker.gateway.follower import BURST_MARKS, Follower, Leave
from ticker.gateway.frame_cache import StreamOptions
from ticker.gateway.framing import Framing
from ticker.gateway.send_all import send_all
from ticker.gateway.server import Gateway
from ticker.gateway.write_groups import GROUP_MAX, HeartbeatSlot, MemoryFile, WriteGroup

# With sockets whose peers the test holds


@pytest.fixture
def connect() -> Iterator[Callable[[], SocketTransport]]:
    """Make transports with sockets, and close the sockets at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket_transport())


Connect = Callable[[], SocketTransport]


def join(harness: ChannelHarness, transport: SocketTransport) -> Follower:
    follower, _ = harness.follow(transport=transport)
    return follower


async def test_live_follower_is_written_to_directly(connect: Connect) -> None:
    harness, transport = ChannelHarness(), connect()
    harness.post("before")
    follower = join(harness, transport)
    written = len(transport.written)
    harness.post("news")
    await harness.broadcaster.run_pass(2)
    assert b'"text":"news"' in transport.read()
    assert len(transport.written) == written, "nothing goes through the transport"
    assert (follower.group is not None, harness.channel.counts.deliveries) == (True, 1)


@pytest.mark.parametrize("obstacle", ["has unsent bytes", "is closing", "encrypts"])
async def test_follower_is_written_to_through_a_transport_that_must_not_be_bypassed(
    connect: Connect, obstacle: str
) -> None:
    harness, transport = ChannelHarness(), connect()
    transport.buffered = obstacle == "has unsent bytes"
    transport.closed = obstacle == "is closing"
    transport.info["sslcontext"] = object() if obstacle == "encrypts" else None
    harness.post("before")
    assert join(harness, transport).group is None
    harness.post("news")
    await harness.broadcaster.run_pass(2)
    assert transport.read() == b""
    assert b'"text":"news"' in transport.written[-1]


async def test_transport_sends_the_rest_of_a_partial_write(connect: Connect) -> None:
    harness, transport = ChannelHarness(), connect()
    harness.post("before")
    follower = join(harness, transport)
    transport.own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    written = len(transport.written)
    for _ in range(BURST_MARKS * MARK // 400):
        harness.post("x" * 100)
    batch = follower.frame_cache.batch(1, BURST_MARKS * MARK)
    await harness.broadcaster.run_pass(2)
    assert batch.until == harness.log.head
    (rest,) = transport.written[written:]
    assert 0 < len(rest) < len(batch.data), "the socket accepts only a part"
    assert transport.read() + rest == batch.data
    assert (follower.group, follower.cursor, follower.sent) == (None, batch.until, batch.until)


async def test_follower_rejoins_a_group_once_its_write_buffer_is_empty(connect: Connect) -> None:
    harness, transport = ChannelHarness(), connect()
    harness.post("before")
    follower = join(harness, transport)
    follower.send(b"something")
    transport.buffered = 9
    harness.post("while the buffer has bytes")
    await harness.broadcaster.run_pass(2)
    assert not transport.read()
    transport.buffered = 0
    harness.post("after")
    await harness.broadcaster.run_pass(3)
    harness.post("directly again")
    await harness.broadcaster.run_pass(4)
    assert b"directly again" in transport.read()


async def test_more_than_one_batch_takes_several_passes(connect: Connect) -> None:
    harness, transport = ChannelHarness(), connect()
    harness.post("before")
    follower = join(harness, transport)
    for _ in range(3 * BURST_MARKS * MARK // 400):
        harness.post("x" * 100)
    due, head = follower.frame_cache.batch(1, 10**9), harness.log.head
    delivering = asyncio.create_task(harness.channel.broadcaster.deliver())
    await eventually(lambda: follower.group is not None and follower.group.cursor == head, "the group is at the head")
    delivering.cancel()
    assert transport.read() == due.data
    assert harness.channel.counts.deliveries == due.entries == head - 1
    assert harness.channel.counts.passes > 1


async def test_group_at_a_trimmed_cursor_gets_a_board(connect: Connect) -> None:
    harness, transport = ChannelHarness(), connect()
    harness.post("before")
    join(harness, transport)
    for _ in range(harness.settings.retained + 300):
        harness.post("x")
    assert harness.log.first > 2
    await harness.broadcaster.run_pass(2)
    await harness.broadcaster.catch_up()
    assert transport.read() == b""
    assert b'"reset":"behind"' in transport.written[-1]


async def test_full_group_is_followed_by_another(connect: Connect) -> None:
    harness = ChannelHarness(heartbeat_s=1)
    harness.post("before")
    followers = [join(harness, connect()) for _ in range(GROUP_MAX + 1)]
    (slot,) = harness.members.slots
    assert [len(group.members) for group in slot.groups()] == [GROUP_MAX, 1]
    for follower in followers:
        harness.members.leave(follower, Leave.ENDED)
    assert slot.groups() == []


async def test_members_keep_their_sockets_when_another_member_leaves(connect: Connect) -> None:
    harness = ChannelHarness(heartbeat_s=1)
    harness.post("before")
    transports = [connect() for _ in range(4)]
    followers = [join(harness, transport) for transport in transports]
    harness.members.leave(followers[1], Leave.ENDED)
    harness.post("news")
    await harness.broadcaster.run_pass(2)
    assert [transport.read().count(b"news") for transport in transports] == [1, 0, 1, 1]
    harness.members.leave(followers[3], Leave.ENDED)
    harness.post("more news")
    await harness.broadcaster.run_pass(3)
    assert [transport.read().count(b"more news") for transport in transports] == [1, 0, 1, 0]


async def test_replaced_history_dissolves_every_group(connect: Connect) -> None:
    harness, transport = ChannelHarness(), connect()
    harness.post("before")
    join(harness, transport)
    harness.channel.replace("5f" * 32, LogWindow(0, "5f" * 32))
    await harness.broadcaster.catch_up()
    assert b'"reset":"replaced"' in transport.written[-1]
    assert transport.read() == b""


async def test_heartbeat_is_written_directly(connect: Connect) -> None:
    harness, transport = ChannelHarness(heartbeat_s=1), connect()
    harness.post("before")
    join(harness, transport)
    harness.channel.tick(0, 0.0)
    assert b'"type":"heartbeat"' in transport.read()
    assert harness.channel.counts.heartbeats == 1


async def test_group_that_the_pass_has_not_reached_is_sent_the_line_and_no_heartbeat(connect: Connect) -> None:
    harness, transport = ChannelHarness(heartbeat_s=1), connect()
    harness.post("before")
    join(harness, transport)
    harness.post("news")
    harness.channel.tick(0, 0.0)
    assert b'"text":"news"' in (read := transport.read())
    assert b'"type":"heartbeat"' not in read
    assert await harness.broadcaster.run_pass(2) == 1, "the pass counts it as served"
    assert (transport.read(), harness.channel.counts.deliveries) == (b"", 1), "and sends it nothing twice"


async def test_followers_fill_a_write_group_of_their_selection_before_the_next_slot(connect: Connect) -> None:
    harness = ChannelHarness(heartbeat_s=3)
    harness.post("before")
    economy = StreamOptions(Selection(sections=("economy",)), 10, Framing.WEBSOCKET)
    for options in [OPTIONS, economy] * (GROUP_MAX + 1):
        harness.follow(options, transport=connect())
    sizes = [[len(group.members) for group in slot.groups()] for slot in harness.members.slots]
    assert sizes == [[GROUP_MAX, 1], [GROUP_MAX], [1]]


# With real gateways


async def test_burst_is_sent_from_the_memory_file(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start(heartbeat_s=1)
    sizes: list[int] = []

    def watched_send_all(sockets: array[int], data: bytes, file: int | None) -> list[tuple[int, int]]:
        if file is not None:
            sizes.append(len(data))
        return send_all(sockets, data, file)

    monkeypatch.setattr(write_groups, "send_all", watched_send_all)
    clients = [RawClient(gateway.address) for _ in range(GROUP_MAX + 16)]
    for client in clients:
        await client.__aenter__()
        await client.open()
    await log.post_many(500, "x" * 200)
    for client in clients:
        assert await line_numbers(client, 500) == list(range(1, 501))
        client.socket.close()
    assert sizes
    assert min(sizes) >= write_groups.SENDFILE_BYTES_MIN


async def test_pongs_and_lines_keep_their_order(log: LogWriter, gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        (follower,) = followers_of(gateway)
        for number in range(20):
            await client.send(masked(Opcode.PING, b"%d" % number))
            await log.post(f"line {number}")
            frames = [await client.frame() for _ in range(2 if number else 4)][-2:]
            assert sorted(opcode for opcode, _ in frames) == [Opcode.TEXT, Opcode.PONG]
        await log.post("the last")
        await eventually(lambda: follower.group is not None, "it is in a group again")


def followers_of(gateway: Gateway) -> list[Follower]:
    return [each for slot in gateway.hub.channels["en"].members.slots for each in slot]


def _close(client: RawClient, _: Follower) -> None:
    client.socket.close()


def _close_half(client: RawClient, _: Follower) -> None:
    client.socket.shutdown(socket.SHUT_WR)


def _reset(client: RawClient, _: Follower) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def _abort(_: RawClient, follower: Follower) -> None:
    follower.transport.abort()


def _close_with_code(_: RawClient, follower: Follower) -> None:
    follower.close(CloseCode.TRY_LATER, "for this test")


class Watch:
    """Checks before every direct write that the descriptor still belongs to the follower's socket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes = 0
        self._sockets: dict[Follower, int] = {}
        join_group, write = HeartbeatSlot.join_group, WriteGroup.write

        def watched_join(slot: HeartbeatSlot[Follower], follower: Follower, descriptor: int) -> None:
            self._sockets.setdefault(follower, os.fstat(descriptor).st_ino)
            join_group(slot, follower, descriptor)

        def watched_write(group: WriteGroup[Follower], data: bytes, file: MemoryFile) -> list[tuple[Follower, int]]:
            for follower, descriptor in zip(group.members, group.descriptors, strict=True):
                assert os.fstat(descriptor).st_ino == self._sockets[follower], (
                    "the descriptor belongs to another connection"
                )
                self.writes += 1
            return write(group, data, file)

        monkeypatch.setattr(HeartbeatSlot, "join_group", watched_join)
        monkeypatch.setattr(WriteGroup, "write", watched_write)


@pytest.mark.parametrize("end", [_close, _close_half, _reset, _abort, _close_with_code])
async def test_bytes_for_a_closed_connection_reach_no_other(
    log: LogWriter,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[RawClient, Follower], None],
) -> None:
    """A connection ends and another gets its descriptor, while writes run in every iteration of the loop."""
    gateway = await start(heartbeat_s=1)
    channel, watch = gateway.hub.channels["en"], Watch(monkeypatch)
    writing = asyncio.create_task(_write_all_the_time(channel))
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        for _ in range(20):
            client = RawClient(gateway.address)
            await client.__aenter__()
            before = set(followers_of(gateway))
            await client.open()
            (follower,) = set(followers_of(gateway)) - before
            await eventually(lambda follower=follower: follower.group is not None, "it is in a group")
            end(client, follower)
            other = RawClient(gateway.address)
            await other.__aenter__()
            await log.post("news")
            await reader.until_at(log.head)
            status, _ = await other.get("/healthz")
            assert (status, other.buffer) == (200, b""), "it was sent its response and nothing else"
            other.socket.close()
            client.socket.close()
            await eventually(lambda follower=follower: follower not in followers_of(gateway), "the follower has left")
        assert [line.position for line in reader.lines] == [log.at(seq) for seq in range(1, 21)]
    writing.cancel()
    assert watch.writes > 100, "the test has checked direct writes"


async def _write_all_the_time(channel: Channel) -> None:
    """Write heartbeats to all groups in every iteration of the loop."""
    while True:
        for slot in channel.members.slots:
            for group in slot.groups():
                slot.write(group, group.frame_cache.heartbeat(group.cursor))
        await asyncio.sleep(0)
