"""A follower: a connected ticker, as a cursor into its edition's log on a transport. No task, no queue, no timer."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING, Final

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from ticker.core.log import Reset
from ticker.core.wire import CloseCode
from ticker.gateway.framing import Framing

if TYPE_CHECKING:
    from ticker.gateway.view import View

LIVE: Final = -1
"""`replayed` of a follower that was told that it is live."""

_logger = logging.getLogger("ticker.gateway.follower")
_logger.addHandler(logging.NullHandler())  # `websockets` logs what peers do wrong: that is counted, not written down
_logger.propagate = False


class Cursor(int, Enum):
    """Cursors that are no place in the log: below every seq."""

    REPLACED = -1  # its history is gone: it is due a board that says so


class Follower(asyncio.Protocol):
    """One connection. `cursor` is the seq of the last entry that was written to its transport.

    The channel calls `advance` in its passes; the transport's flow control takes the follower out of them and brings it
    back. Whatever happens, the transport holds no more than two high-water marks of bytes for it: what is written next
    is limited by what it still has.
    """

    __slots__ = ("address", "cohort", "cursor", "inbound", "paused_at", "replayed", "transport", "view")

    def __init__(self, transport: asyncio.Transport, view: View, address: str) -> None:
        self.transport = transport
        self.view = view
        self.address = address
        self.cursor = 0
        self.replayed = 0
        self.cohort = 0
        self.paused_at: float | None = None
        self.inbound: ServerProtocol | None = None

    # What the channel asks for

    def begin(self, response: bytes, start: int | Reset | None) -> None:
        """Write the handshake's response and everything up to the head, in one write and one step of the loop.

        `start` is the cursor to go on from, or why (None: no position was given) the follower gets the board.
        """
        channel, view = self.view.channel, self.view
        frames = [response]
        if isinstance(start, int):
            piece = view.piece(start, 2 * channel.settings.follower_buffer_bytes)
            self.cursor, self.replayed = piece.until, piece.entries
            frames.append(piece.data)
        else:
            self.cursor = channel.log.head
            frames.append(view.board(start))
        if self.cursor == channel.log.head:
            frames.append(view.live(self.replayed))
            self.replayed = LIVE
        else:
            channel.is_behind(self)
        self.transport.write(b"".join(frames))

    def advance(self) -> int:
        """Write one piece of what follows the cursor; tell how many entries it had."""
        channel = self.view.channel
        log = channel.log
        if self.paused_at is not None or self.cursor == log.head:
            return 0
        if self.cursor < log.first - 1:
            self._start_over(Reset.REPLACED if self.cursor == Cursor.REPLACED else Reset.BEHIND)
            return 0
        mark = channel.settings.follower_buffer_bytes
        piece = self.view.piece(self.cursor, mark if self.transport.get_write_buffer_size() else 2 * mark)
        self.cursor = piece.until
        if piece.data:
            self.transport.write(piece.data)
        if self.replayed != LIVE:
            self._go_on_replaying(piece.entries)
        if self.cursor != log.head:
            channel.is_behind(self)
        return piece.entries

    def _go_on_replaying(self, entries: int) -> None:
        self.replayed += entries
        if self.cursor == self.view.channel.log.head:
            self.transport.write(self.view.live(self.replayed))
            self.replayed = LIVE

    def _start_over(self, reset: Reset) -> None:
        self.cursor = self.view.channel.log.head
        self.transport.write(self.view.board(reset))
        if self.replayed != LIVE:
            self._go_on_replaying(0)

    def say(self, frame: bytes) -> None:
        """Write a message that is no entry, unless the peer has too much to read already."""
        if self.paused_at is None:
            self.transport.write(frame)

    def close(self, code: CloseCode, reason: str) -> None:
        """Say why and close. A peer that doesn't answer in time is cut off by the channel."""
        channel = self.view.channel
        channel.leave(self)
        if self.transport.is_closing():
            return
        if self.view.wish.framing is Framing.EVENTS:
            self.transport.close()
        else:
            parser = self._parser()
            parser.send_close(code, reason)
            self._flush(parser)
        channel.is_closing(self)

    # What the transport tells

    def pause_writing(self) -> None:
        self.view.channel.pause(self)

    def resume_writing(self) -> None:
        self.view.channel.resume(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.view.channel.leave(self)
        self.view.channel.is_gone(self)

    def eof_received(self) -> None:
        """The peer will send no more: the transport closes."""

    def data_received(self, data: bytes) -> None:
        """Answer pings and the closing handshake; a reader has nothing else to say (1008)."""
        if self.view.wish.framing is Framing.EVENTS:
            self.transport.close()
            return
        parser = self._parser()
        parser.receive_data(data)
        spoke = any(
            isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
            for event in parser.events_received()
        )
        self._flush(parser)
        if spoke and parser.state is OPEN:
            self.view.channel.counts.policy_violations += 1
            self.close(CloseCode.POLICY, "a reader sends nothing")

    def _parser(self) -> ServerProtocol:
        """Made only when bytes arrive: most readers never send any."""
        if self.inbound is None:
            limit = self.view.channel.settings.reader_message_bytes
            self.inbound = ServerProtocol(state=OPEN, max_size=limit, logger=_logger)
        return self.inbound

    def _flush(self, parser: ServerProtocol) -> None:
        for chunk in parser.data_to_send():
            if chunk:
                self.transport.write(chunk)
            else:  # the closing handshake is done, or the peer broke the protocol and was told so
                self.view.channel.leave(self)
                self.transport.close()
                self.view.channel.is_closing(self)
