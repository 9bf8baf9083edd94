"""A channel without a server: its followers have fake transports that record all writes."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from tests.support.strategies import ENGLISH, NONCE, START
from ticker.core.entry import Entry, Logged, Trim, encode_entry
from ticker.core.line import Change, Direction, Line
from ticker.core.position import Position, next_link
from ticker.core.selection import EVERYTHING
from ticker.gateway.channel import Channel
from ticker.gateway.follower import Follower
from ticker.gateway.frame_cache import StreamOptions
from ticker.gateway.framing import Framing
from ticker.settings import Settings

MARK = 4096
"""The high-water mark of the write buffers, in bytes."""
OPTIONS = StreamOptions(EVERYTHING, 10, Framing.WEBSOCKET)


class FakeTransport:
    """A transport that records all writes. `buffered` is the size of its write buffer, which tests set."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.buffered = 0
        self.aborted = self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.written.append(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str) -> Any:
        """Return None: without a socket, everything goes through the transport."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class SocketTransport(FakeTransport):
    """A fake transport with a socket. `read` returns the bytes written directly to the socket."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.peer = socket.socketpair()
        self.own.setblocking(False)
        self.peer.setblocking(False)
        self.info: dict[str, Any] = {"socket": self.own}

    def get_extra_info(self, name: str) -> Any:
        return self.info.get(name)

    def read(self) -> bytes:
        """Return everything that has reached the peer."""
        data = bytearray()
        while True:
            try:
                data += self.peer.recv(1 << 20)
            except BlockingIOError:
                return bytes(data)


@contextmanager
def socket_transport() -> Iterator[SocketTransport]:
    """Make a transport with a socket, and close the socket at the end."""
    transport = SocketTransport()
    try:
        yield transport
    finally:
        transport.own.close()
        transport.peer.close()


class ChannelHarness:
    """A channel, its clock `now`, and its log, which grows with `post`."""

    def __init__(self, heartbeat_s: int = 25) -> None:
        self.now = START
        self.settings = Settings(follower_buffer_bytes=MARK, heartbeat_s=heartbeat_s)
        self.channel = Channel("en", ENGLISH, NONCE, self.settings, lambda: self.now)
        self.members = self.channel.members
        self.broadcaster = self.channel.broadcaster
        self.link, self.seq = NONCE, 0

    @property
    def log(self) -> Any:
        return self.channel.history.log

    def post(self, text: str, *, trim: Trim | None = None, is_for_everyone: bool = False, **fields: object) -> None:
        """Append an entry with a new line."""
        self.seq += 1
        plain = Line(
            id=f"line-{self.seq}", version=1, number=self.seq, change=Change.NEW, text=text, lang="en",
            dir=Direction.LTR, created_at=START, updated_at=START,
        )  # fmt: skip
        self.append(msgspec.structs.replace(plain, **fields), trim=trim, is_for_everyone=is_for_everyone)

    def append(self, line: Line, *, trim: Trim | None = None, is_for_everyone: bool = False) -> None:
        """Append an entry with this version of a line."""
        self.seq = self.channel.history.log.head + 1
        entry = Entry(line=line, editor="ana", key="k", submitted_at=START, trim=trim, is_for_everyone=is_for_everyone)
        self.link = next_link(self.link, encode_entry(entry))
        self.channel.append(Logged(self.seq, self.link, entry))

    def follow(
        self, options: StreamOptions = OPTIONS, after: int | None = None, transport: FakeTransport | None = None
    ) -> tuple[Follower, FakeTransport]:
        """Let a follower join, from entry `after` or from the board."""
        transport = transport or FakeTransport()
        position = None if after is None else self.channel.history.log.position_at(after)
        return self._join(transport, options, b"", position), transport

    def follow_ahead(self, seq: int) -> tuple[Follower, FakeTransport]:
        """Let a follower join whose position is ahead of the log. `HEAD` is its response."""
        transport = FakeTransport()
        return self._join(transport, OPTIONS, b"HEAD", Position(seq, "0" * 16)), transport

    def _join(
        self, transport: FakeTransport, options: StreamOptions, response: bytes, after: Position | None
    ) -> Follower:
        follower = self.channel.new_follower(cast("Any", transport), options, "192.0.2.1")
        self.channel.members.join(follower, response, after)
        return follower
