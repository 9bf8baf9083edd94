"""The transport of a follower keeps the order of bytes, its limits, and the promises of asyncio's transports."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.waiting import eventually
from ticker.gateway.poller import Poller
from ticker.gateway.socket_transport import SocketTransport

HIGH = 1000


class Recorder(asyncio.Protocol):
    """Records the calls of its transport."""

    def __init__(self) -> None:
        self.received = b""
        self.calls: list[str] = []
        self.lost: list[Exception | None] = []
        self.keeps_open = True
        self.descriptor = -1
        self.was_open = False

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)
        self.was_open = os.fstat(self.descriptor) is not None


class Pair:
    """A transport with a recorder, and the socket at the other end."""

    def __init__(self) -> None:
        self.poller = Poller()
        listener = socket.create_server(("127.0.0.1", 0))
        self.peer = socket.create_connection(listener.getsockname())
        self.peer.setblocking(False)
        accepted, _ = listener.accept()
        listener.close()
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.recorder = Recorder()
        self.recorder.descriptor = accepted.detach()
        self.transport = SocketTransport(self.recorder.descriptor, self.poller, HIGH)
        self.transport.start(self.recorder)

    async def read(self, size: int) -> bytes:
        data, loop = b"", asyncio.get_running_loop()
        while len(data) < size and (piece := await loop.sock_recv(self.peer, size - len(data))):
            data += piece
        return data

    def fill(self) -> bytes:
        """Write until the write buffer exceeds its high-water mark. Return all that was written."""
        sent = b""
        while self.transport.get_write_buffer_size() <= HIGH:
            piece = len(sent).to_bytes(4, "big") * 1024
            self.transport.write(piece)
            sent += piece
        return sent

    def reset(self) -> None:
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    async def until_lost(self) -> Exception | None:
        await eventually(lambda: self.recorder.lost != [], "the connection is lost")
        assert len(self.recorder.lost) == 1
        return self.recorder.lost[0]


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    yield pair
    pair.transport.abort()
    await pair.until_lost()
    assert pair.recorder.was_open, "the socket is closed after `connection_lost`"
    assert pair.transport.fileno() == -1
    assert len(pair.poller) == 0
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(pair.recorder.descriptor)
    pair.peer.close()
    pair.poller.close()


async def test_data_goes_both_ways(pair: Pair) -> None:
    pair.transport.writelines([b"a", b"", b"bc"])
    pair.transport.write(b"d")
    assert await pair.read(4) == b"abcd"
    pair.peer.send(b"hello")
    await eventually(lambda: pair.recorder.received == b"hello", "the protocol has the data")


async def test_peer_that_does_not_read_pauses_the_protocol_and_gets_everything_in_order(pair: Pair) -> None:
    sent = pair.fill()
    assert pair.recorder.calls == ["pause"]
    more = [b"x" * 3000, b"y" * 2000]
    pair.transport.writelines(more)
    pair.transport.write(memoryview(b"zz end")[2:])
    assert pair.transport.get_write_buffer_size() > 5000
    everything = sent + b"".join(more) + b" end"
    assert await pair.read(len(everything)) == everything
    await eventually(lambda: pair.recorder.calls == ["pause", "resume"], "the protocol may write again")
    assert pair.transport.get_write_buffer_size() == 0


async def test_close_sends_the_write_buffer_first(pair: Pair) -> None:
    sent = pair.fill()
    pair.transport.close()
    pair.transport.write(b"dropped")
    assert pair.transport.is_closing()
    assert await pair.read(len(sent) + 1) == sent
    assert await pair.until_lost() is None


async def test_abort_drops_the_write_buffer(pair: Pair) -> None:
    pair.fill()
    pair.transport.abort()
    assert pair.transport.get_write_buffer_size() == 0
    assert await pair.until_lost() is None


async def test_end_of_the_peers_data_is_reported_once(pair: Pair) -> None:
    pair.peer.shutdown(socket.SHUT_WR)
    await eventually(lambda: pair.recorder.calls != [], "the end is reported")
    pair.transport.write(b"still open")
    assert await pair.read(10) == b"still open"
    assert pair.recorder.calls == ["eof"]
    assert pair.recorder.lost == []


async def test_protocol_that_does_not_keep_a_half_closed_connection_ends_it(pair: Pair) -> None:
    pair.recorder.keeps_open = False
    pair.peer.shutdown(socket.SHUT_WR)
    assert await pair.until_lost() is None


async def test_reset_is_reported_as_an_error(pair: Pair) -> None:
    pair.reset()
    assert isinstance(await pair.until_lost(), OSError)


async def test_reset_is_noticed_while_reading_is_paused(pair: Pair) -> None:
    pair.transport.pause_reading()
    assert not pair.transport.is_reading()
    pair.reset()
    assert isinstance(await pair.until_lost(), OSError)


async def test_nothing_is_read_while_reading_is_paused(pair: Pair) -> None:
    pair.transport.pause_reading()
    pair.peer.send(b"later")
    for _ in range(20):
        await asyncio.sleep(0)
    assert pair.recorder.received == b""
    pair.transport.resume_reading()
    await eventually(lambda: pair.recorder.received == b"later", "the protocol has the data")
