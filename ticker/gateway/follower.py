"""A follower: a connected ticker, as a cursor into its edition's log on a transport. No task, no queue, no timer."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from ticker.core.log_window import Reset
from ticker.core.messages import CloseCode
from ticker.gateway.framing import Framing

if TYPE_CHECKING:
    from ticker.gateway.frame_cache import View
    from ticker.gateway.write_groups import Rank

LIVE: Final = -1
"""`replayed` of a follower that was told that it is live."""
BURST_MARKS: Final = 4
"""How many high-water marks live followers are sent at once if their transports are empty: 64 KiB.

That is what a peer's receive window takes at first. More would wait in the transport, which takes more system calls
than another pass. All of them are sent the same piece, and a transport refers to what it couldn't write yet: it costs
no memory a follower. A piece that a reader chose, by its position or by how far it has read, would: see `OWN_PIECES`.
"""
OWN_PIECES: Final = 2
"""How many pieces of its own a follower is sent before it is paused: one more than that is what it costs when it stalls
(with the default high-water mark, 16 KiB: 24 KiB)."""
FRAMES_MAX: Final = 32
FRAMES_S: Final = 10.0
"""How many pings and pongs a reader may send in as many seconds.

The answers to pings pile up in the transport until it reads, and one who sends pongs of six bytes as quickly as it can
has us do nothing else: ten of them once held up all others for more than 15 s.
"""
PARSED_BYTES: Final = 512
"""What is parsed before the frames are counted: 85 of them, at most."""
_DATA: Final = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

_logger = logging.getLogger("ticker.gateway.follower")
_logger.addHandler(logging.NullHandler())  # `websockets` logs what peers do wrong: that is counted, not written down
_logger.propagate = False


class Cursor(int, Enum):
    """Cursors that are no place in the log: below every seq."""

    REPLACED = -1  # its history is gone: it is due a board that says so
    LEFT = -2  # it is served no longer
    TRIMMED = -3  # its gateway was away while the log was trimmed past it: it is due a board that says so


_RESETS: Final[Mapping[int, Reset]] = {Cursor.REPLACED: Reset.REPLACED, Cursor.TRIMMED: Reset.TRIMMED}


class Inbound(ServerProtocol):
    """What a reader sends. `frames` counts those since `since`."""

    frames = 0
    since = 0.0

    def take(self, data: bytes, now: float) -> Counter[Opcode]:
        """Parse some of it; tell which frames it had."""
        if now - self.since > FRAMES_S:
            self.frames, self.since = 0, now
        self.receive_data(data)
        opcodes = Counter(event.opcode for event in self.events_received() if isinstance(event, Frame))
        self.frames += opcodes.total()
        return opcodes


class Follower(asyncio.Protocol):
    """One connection. `cursor` is the seq of the last entry that was written to it; in a rank, the rank's counts.

    The channel calls `advance` in its passes; the transport's flow control takes the follower out of them and brings it
    back. Whatever happens, the transport holds at most two high-water marks of bytes that no other follower shares.
    """

    __slots__ = (
        "address",
        "cohort",
        "cursor",
        "inbound",
        "paused_at",
        "place",
        "rank",
        "replayed",
        "sent",
        "transport",
        "view",
    )

    def __init__(self, transport: asyncio.Transport, view: View, address: str) -> None:
        self.transport = transport
        self.view = view
        self.address = address
        self.cursor = 0
        self.sent = 0  # the cursor when it was last written an entry: one that its selection leaves out moves on too
        self.replayed = 0
        self.cohort = 0
        self.rank: Rank | None = None
        self.place = 0  # in its rank
        self.paused_at: float | None = None
        self.inbound: Inbound | None = None

    # What the channel asks for

    def begin(self, response: bytes, start: int | Reset | None) -> None:
        """Write the handshake's response and everything up to the head, in one write and one step of the loop.

        `start` is the cursor to go on from, or why (None: no position was given) the follower gets the board.
        """
        channel, view = self.view.channel, self.view
        frames = [response]
        if isinstance(start, int):
            mark = channel.settings.follower_buffer_bytes  # the transport is empty: as much as it may ever hold
            piece = view.piece(start, mark + mark // OWN_PIECES)
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
        self.transport.writelines(frames)  # not joined: what a peer doesn't read is then the view's own bytes

    def advance(self, *, in_burst: bool = False) -> int:
        """Write one piece of what follows the cursor; tell how many entries it had. For one that is in no rank.

        `in_burst` says that the cursor is where all live followers are.
        """
        channel = self.view.channel
        log = channel.log
        if self.paused_at is not None or self.cursor == log.head:
            return 0
        if self.cursor < log.first - 1:
            self._start_over(_RESETS.get(self.cursor, Reset.BEHIND))
            return 0
        mark = channel.settings.follower_buffer_bytes
        piece = self.view.piece(self.cursor, mark if in_burst else mark // OWN_PIECES)
        if in_burst and piece.until != log.head and not self.transport.get_write_buffer_size():
            piece = self.view.piece(self.cursor, BURST_MARKS * mark)
        self.cursor = piece.until
        if piece.data:
            self.sent = piece.until
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
        self.view.channel.counts.resets[reset] += 1
        self.cursor = self.view.channel.log.head
        self.transport.write(self.view.board(reset))
        if self.replayed != LIVE:
            self._go_on_replaying(0)

    def descriptor(self) -> int | None:
        """Its socket's descriptor, where bytes may go to it past the transport, and nothing waits there before them."""
        transport = self.transport
        if self.paused_at is not None or transport.is_closing() or transport.get_write_buffer_size():
            return None
        accepted = transport.get_extra_info("socket")
        return None if accepted is None or transport.get_extra_info("sslcontext") else accepted.fileno()

    def say(self, frame: bytes) -> bool:
        """Write a message that is no entry, unless the peer has too much to read already; tell whether it was."""
        if self.paused_at is not None:
            return False
        self._write(frame)
        return True

    def _write(self, data: bytes) -> None:
        if self.rank is not None:
            self.view.channel.fall_out(self)
        self.transport.write(data)

    def close(self, code: CloseCode, reason: str) -> None:
        """Say why and close. A peer that doesn't answer in time is cut off by the channel."""
        channel = self.view.channel
        channel.counts.closed[code] += 1
        if self.transport.is_closing() or self.view.wish.framing is Framing.EVENTS:
            self._end()
            return
        channel.leave(self)
        channel.is_closing(self)
        parser = self._parser()
        parser.send_close(code, reason)
        self._flush(parser)

    def _end(self) -> None:
        """Say no more. The transport closes once the peer has what was written, or when the channel has waited enough.

        It leaves the channel here: a transport that closes takes what is written still, and so would never end.
        """
        self.view.channel.leave(self)
        self.view.channel.is_closing(self)
        self.transport.close()

    # What the transport tells

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # who pings and doesn't read would fill the transport with answers
        self.view.channel.pause(self)

    def resume_writing(self) -> None:
        self.transport.resume_reading()
        self.view.channel.resume(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.view.channel.leave(self)
        self.view.channel.is_gone(self)

    def eof_received(self) -> bool:
        """The peer will send no more. The transport stays open (True) until it is its turn to be closed."""
        self.view.channel.turns.take(self._end_unless_gone)
        return True

    def _end_unless_gone(self) -> None:
        if not self.transport.is_closing():
            self._end()

    def data_received(self, data: bytes) -> None:
        """Answer pings and the closing handshake; a reader has nothing else to say (1008)."""
        if self.view.wish.framing is Framing.EVENTS:
            self._end()
            return
        parser, now = self._parser(), asyncio.get_running_loop().time()
        for start in range(0, len(data), PARSED_BYTES):
            was_open = parser.state is OPEN
            opcodes = parser.take(data[start : start + PARSED_BYTES], now)
            if was_open and parser.parser_exc is not None and parser.close_sent is not None:
                self.view.channel.counts.closed[parser.close_sent.code] += 1  # it broke the protocol: 1002, 1007, 1009
            if parser.state is OPEN and any(opcodes[data] for data in _DATA):
                self._send_away(parser)
            if parser.frames > FRAMES_MAX:
                self._send_away(parser)
                self._end()  # what more it has to say isn't read, nor its answer
                return
        self._flush(parser)

    def _send_away(self, parser: Inbound) -> None:
        if parser.state is OPEN:
            parser.data_to_send()  # no answers to pings for one that is sent away
            self.close(CloseCode.POLICY, "a reader sends nothing")

    def _parser(self) -> Inbound:
        """Made only when bytes arrive: most readers never send any."""
        if self.inbound is None:
            limit = self.view.channel.settings.reader_message_bytes
            self.inbound = Inbound(state=OPEN, max_size=limit, logger=_logger)
        return self.inbound

    def _flush(self, parser: Inbound) -> None:
        for chunk in parser.data_to_send():
            if chunk:
                self._write(chunk)
            else:  # the closing handshake is done, or the peer broke the protocol and was told so
                self._end()
