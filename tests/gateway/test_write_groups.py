"""Followers in step are written to past their transports: never somebody else, never out of order, nothing twice."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from websockets.frames import Opcode

from tests.gateway.conftest import Start
from tests.gateway.test_frame_cache import MARK, WISH, Newsroom, Transport
from tests.gateway.test_slow_readers import read_up_to
from tests.support.gateway_clients import RawClient, Reader, masked, until
from tests.support.log_writer import LogWriter
from ticker.core.log_window import LogWindow
from ticker.core.messages import CloseCode
from ticker.gateway import write_groups
from ticker.gateway.channel import Channel
from ticker.gateway.follower import BURST_MARKS, Follower
from ticker.gateway.server import Gateway
from ticker.gateway.write_groups import RANK_MOST, Cohort, Rank, Sheet

# Decided on sockets whose other ends the test holds


class Wired(Transport):
    """A transport with a socket. What goes to the socket is read with `read`; what is written to it is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.peer = socket.socketpair()
        self.own.setblocking(False)
        self.peer.setblocking(False)
        self.info: dict[str, Any] = {"socket": self.own}
        self.closing = False

    def get_extra_info(self, name: str) -> Any:
        return self.info.get(name)

    def is_closing(self) -> bool:
        return self.closing

    def read(self) -> bytes:
        """Everything that has come past the transport."""
        data = bytearray()
        while True:
            try:
                data += self.peer.recv(1 << 20)
            except BlockingIOError:
                return bytes(data)

    def close(self) -> None:
        self.own.close()
        self.peer.close()


@pytest.fixture
def wired() -> Iterator[Callable[[], Wired]]:
    """Makes transports with sockets, and closes them."""
    made: list[Wired] = []

    def make() -> Wired:
        made.append(Wired())
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def join(room: Newsroom, transport: Wired) -> Follower:
    follower = Follower(cast("asyncio.Transport", transport), room.channel.view(WISH), "192.0.2.1")
    room.channel.join(follower, b"", None)
    return follower


async def test_one_that_is_live_falls_in(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(), wired()
    room.post("before")
    follower = join(room, transport)
    written = len(transport.written)
    room.post("news")
    await room.channel._pass(2)
    assert b'"text":"news"' in transport.read()
    assert len(transport.written) == written, "nothing went through the transport"
    assert (follower.rank is not None, room.channel.counts.deliveries) == (True, 1)


@pytest.mark.parametrize("why", ["holds something", "is closing", "encrypts"])
async def test_one_whose_transport_has_a_part_in_it_does_not(wired: Callable[[], Wired], why: str) -> None:
    room, transport = Newsroom(), wired()
    transport.buffered = why == "holds something"
    transport.closing = why == "is closing"
    transport.info["sslcontext"] = object() if why == "encrypts" else None
    room.post("before")
    assert join(room, transport).rank is None
    room.post("news")
    await room.channel._pass(2)
    assert transport.read() == b""
    assert b'"text":"news"' in transport.written[-1]


async def test_what_the_socket_does_not_take_waits_in_the_transport(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(), wired()
    room.post("before")
    follower = join(room, transport)
    transport.own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    written = len(transport.written)
    for _ in range(BURST_MARKS * MARK // 400):
        room.post("x" * 100)
    piece = follower.view.piece(1, BURST_MARKS * MARK)
    await room.channel._pass(2)
    assert piece.until == room.channel.log.head
    (rest,) = transport.written[written:]
    assert 0 < len(rest) < len(piece.data), "the socket took a part of it"
    assert transport.read() + rest == piece.data
    assert (follower.rank, follower.cursor, follower.sent) == (None, piece.until, piece.until)


async def test_one_that_fell_out_is_back_once_its_transport_is_empty(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(), wired()
    room.post("before")
    follower = join(room, transport)
    follower.say(b"something")
    transport.buffered = 9
    room.post("while it holds that")
    await room.channel._pass(2)
    assert not transport.read()
    transport.buffered = 0
    room.post("after")
    await room.channel._pass(3)
    room.post("past it again")
    await room.channel._pass(4)
    assert b"past it again" in transport.read()


async def test_more_than_a_piece_comes_in_several_passes(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(), wired()
    room.post("before")
    follower = join(room, transport)
    for _ in range(3 * BURST_MARKS * MARK // 400):
        room.post("x" * 100)
    due, head = follower.view.piece(1, 10**9), room.channel.log.head
    delivering = asyncio.create_task(room.channel.deliver())
    await until(lambda: follower.rank is not None and follower.rank.cursor == head, "it is at the head")
    delivering.cancel()
    assert transport.read() == due.data
    assert room.channel.counts.deliveries == due.entries == head - 1
    assert room.channel.counts.passes > 1


async def test_one_whose_place_has_been_trimmed_gets_a_board(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(), wired()
    room.post("before")
    join(room, transport)
    for _ in range(room.settings.retained + 300):
        room.post("x")
    assert room.channel.log.first > 2
    await room.channel._pass(2)
    await room.channel._catch_up()
    assert transport.read() == b""
    assert b'"reset":"behind"' in transport.written[-1]


async def test_a_rank_has_no_more_members_than_it_may(wired: Callable[[], Wired]) -> None:
    room = Newsroom(heartbeat_s=1)
    room.post("before")
    followers = [join(room, wired()) for _ in range(RANK_MOST + 1)]
    assert [len(rank.members) for rank in room.channel._cohorts[0].ranks()] == [RANK_MOST, 1]
    for follower in followers:
        room.channel.leave(follower)
    assert room.channel._cohorts[0].ranks() == []


async def test_when_one_leaves_the_others_keep_their_sockets(wired: Callable[[], Wired]) -> None:
    room = Newsroom(heartbeat_s=1)
    room.post("before")
    transports = [wired() for _ in range(4)]
    followers = [join(room, transport) for transport in transports]
    room.channel.leave(followers[1])
    room.post("news")
    await room.channel._pass(2)
    assert [transport.read().count(b"news") for transport in transports] == [1, 0, 1, 1]
    room.channel.leave(followers[3])
    room.post("more news")
    await room.channel._pass(3)
    assert [transport.read().count(b"more news") for transport in transports] == [1, 0, 1, 0]


async def test_another_history_takes_everybody_out(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(), wired()
    room.post("before")
    join(room, transport)
    room.channel.replace("5f" * 32, LogWindow(0, "5f" * 32))
    await room.channel._catch_up()
    assert b'"reset":"replaced"' in transport.written[-1]
    assert transport.read() == b""


async def test_a_beat_goes_past_the_transport_too(wired: Callable[[], Wired]) -> None:
    room, transport = Newsroom(heartbeat_s=1), wired()
    room.post("before")
    join(room, transport)
    room.channel.tick(0, 0.0)
    assert b'"type":"heartbeat"' in transport.read()
    assert room.channel.counts.heartbeats == 1


def test_what_is_on_its_way_stays_what_it_was_when_the_sheet_has_something_else() -> None:
    sheet, size = Sheet(), 48 * 1024
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()) as reader, listener.accept()[0] as writer:
            source = sheet.of(b"a" * size)
            assert source is not None
            assert os.sendfile(writer.fileno(), source, 0, size) == size
            assert sheet.of(b"b" * size) == source
            assert reader.recv(size, socket.MSG_WAITALL) == b"a" * size
            assert os.sendfile(writer.fileno(), source, 0, size) == size
            assert reader.recv(size, socket.MSG_WAITALL) == b"b" * size


def test_without_memory_for_it_there_is_no_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet()
    assert sheet.of(b"a" * 9) is not None
    monkeypatch.setattr(os, "pwrite", lambda *_: 4)
    assert sheet.of(b"b" * 9) is None
    monkeypatch.setattr(os, "pwrite", _no_memory)
    assert sheet.of(b"c" * 9) is None
    monkeypatch.setattr(os, "memfd_create", _no_memory)
    assert Sheet().of(b"a" * 9) is None


def _no_memory(*_: object) -> int:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


# With whole gateways


async def test_a_burst_reaches_many_from_the_sheet(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start(heartbeat_s=1)
    sizes: list[int] = []

    def sendfile(out: int, source: int, offset: int, size: int) -> int:
        sizes.append(size)
        return os.sendfile(out, source, offset, size)

    monkeypatch.setattr(write_groups, "sendfile", sendfile)
    clients = [RawClient(gateway.address) for _ in range(RANK_MOST + 16)]
    for client in clients:
        await client.__aenter__()
        await client.open()
    await log.post_many(500, "x" * 200)
    for client in clients:
        assert await read_up_to(client, 500) == list(range(1, 501))
        client.socket.close()
    assert sizes
    assert min(sizes) >= write_groups.SHEET_LEAST


async def test_an_answer_to_a_ping_and_lines_keep_their_order(log: LogWriter, gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        (follower,) = the_followers(gateway)
        for number in range(20):
            await client.send(masked(Opcode.PING, b"%d" % number))
            await log.post(f"line {number}")
            frames = [await client.frame() for _ in range(2 if number else 4)][-2:]
            assert sorted(opcode for opcode, _ in frames) == [Opcode.TEXT, Opcode.PONG]
        await log.post("the last")
        await until(lambda: follower.rank is not None, "it is in a rank again")


def the_followers(gateway: Gateway) -> list[Follower]:
    return [each for cohort in gateway.hub.channels["en"]._cohorts for each in cohort]


def _close(client: RawClient, _: Follower) -> None:
    client.socket.close()


def _close_half(client: RawClient, _: Follower) -> None:
    client.socket.shutdown(socket.SHUT_WR)


def _reset(client: RawClient, _: Follower) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def _abort(_: RawClient, follower: Follower) -> None:
    follower.transport.abort()


def _send_away(_: RawClient, follower: Follower) -> None:
    follower.close(CloseCode.TRY_LATER, "for this test")


class Watch:
    """Looks at every write past a transport: is the descriptor's socket still that of the follower?"""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes = 0
        self._sockets: dict[Follower, int] = {}
        fall_in, write = Cohort.fall_in, Rank.write

        def watched_fall_in(cohort: Cohort, follower: Follower, descriptor: int) -> None:
            self._sockets.setdefault(follower, os.fstat(descriptor).st_ino)
            fall_in(cohort, follower, descriptor)

        def watched_write(rank: Rank, data: bytes, sheet: Sheet) -> list[tuple[Follower, int]]:
            for follower, descriptor in zip(rank.members, rank.descriptors, strict=True):
                assert os.fstat(descriptor).st_ino == self._sockets[follower], "it is another connection's by now"
                self.writes += 1
            return write(rank, data, sheet)

        monkeypatch.setattr(Cohort, "fall_in", watched_fall_in)
        monkeypatch.setattr(Rank, "write", watched_write)


@pytest.mark.parametrize("end", [_close, _close_half, _reset, _abort, _send_away])
async def test_bytes_never_reach_another_connection(
    log: LogWriter,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[RawClient, Follower], None],
) -> None:
    """A connection ends, others take its descriptor in the same moment, and passes go on in every step of the loop."""
    gateway = await start(heartbeat_s=1)
    channel, watch = gateway.hub.channels["en"], Watch(monkeypatch)
    passing = asyncio.create_task(_pass_all_the_time(channel))
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        for _ in range(20):
            client = RawClient(gateway.address)
            await client.__aenter__()
            before = set(the_followers(gateway))
            await client.open()
            (follower,) = set(the_followers(gateway)) - before
            await until(lambda follower=follower: follower.rank is not None, "it is in a rank")  # type: ignore[misc]
            end(client, follower)
            stranger = RawClient(gateway.address)
            await stranger.__aenter__()
            await log.post("news")
            await reader.until_at(log.head)
            status, _ = await stranger.get("/healthz")
            assert (status, stranger.buffer) == (200, b""), "it was sent the answer, and nothing else"
            stranger.socket.close()
            client.socket.close()
            await until(lambda follower=follower: follower not in the_followers(gateway), "it has left")  # type: ignore[misc]
        assert [line.position for line in reader.lines] == [log.at(seq) for seq in range(1, 21)]
    passing.cancel()
    assert watch.writes > 100, "this test has seen writes past the transport"


async def _pass_all_the_time(channel: Channel) -> None:
    """Beats for everybody in every step of the loop."""
    while True:
        for cohort in channel._cohorts:
            for rank in cohort.ranks():
                cohort.write(rank, rank.view.heartbeat(rank.cursor))
        await asyncio.sleep(0)
