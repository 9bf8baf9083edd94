"""A follower: one connected ticker, as a cursor into its edition's log. It needs no task, queue or timer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Final

import msgspec

from ticker.core.log_window import Reset
from ticker.core.messages import ByeMessage, CloseCode
from ticker.gateway.frame_cache import FrameCache, StreamOptions
from ticker.gateway.framing import Framing, frame_message
from ticker.gateway.inbound import PARSED_BYTES, Inbound
from ticker.gateway.socket_transport import SocketTransport
from ticker.gateway.time_slices import TimeSlices
from ticker.gateway.write_groups import HeartbeatSlot, Member
from ticker.metrics.histograms import Histogram

BURST_MARKS: Final = 4
"""How many high-water marks of data live followers are sent in one pass if their write buffers are empty: 64 KiB.

A peer's receive window accepts that much at first. More would stay in the write buffer, which takes more system calls
than another pass. All live followers are sent the same batch, and write buffers refer to its bytes: an unsent batch
takes no memory per follower. A batch at a follower's own cursor would: see `OWN_BATCHES`.
"""
OWN_BATCHES: Final = 2
"""How many batches at its own cursor a follower is sent before it is paused. A stalled follower costs one batch more
than that: with the default high-water mark of 16 KiB, 24 KiB."""


class State(Enum):
    """The stages of a follower."""

    WAITING = "waiting"  # its handshake isn't answered yet
    REPLAYING = "replaying"  # it is being sent what it missed
    LIVE = "live"  # it has been sent the `live` message
    LEFT = "left"  # the channel no longer serves it


WAITING: Final = State.WAITING
REPLAYING: Final = State.REPLAYING
LIVE: Final = State.LIVE
LEFT: Final = State.LEFT
"""Short names for the fan-out path: in Python 3.11 an enum member's lookup takes 0.2 µs."""


class Leave(StrEnum):
    """Why a follower left, for the metrics. All but the first two are decisions of the gateway."""

    ENDED = "ended"  # the reader ended the connection
    LOST = "lost"  # the connection broke
    DRAINED = "drained"
    SLOW = "slow"  # paused for too long (follower_paused_s)
    SENT_DATA = "sent-data"
    TOO_BIG = "too-big"  # sent more than reader_message_bytes
    PROTOCOL = "protocol"  # broke the rules of WebSockets
    TOKEN = "token"  # noqa: S105 -- a reason and no secret: the reader needs a new token
    BEHIND = "behind"  # refused, because its position was ahead of the log for too long


_LEAVES: Final = {
    CloseCode.POLICY: Leave.SENT_DATA,
    CloseCode.TOO_BIG: Leave.TOO_BIG,
    CloseCode.RESTART: Leave.DRAINED,
    CloseCode.TRY_LATER: Leave.SLOW,
    CloseCode.TOKEN: Leave.TOKEN,
}


class Counts(msgspec.Struct):
    """Counters of one channel since the gateway started. The metrics read them.

    Attributes:
        loaded: Entries loaded together: at the start, or because the history was replaced.
        entries: Entries read from the log after that.
        deliveries: Entries written to followers.
        replayed: Those of them that the follower had missed.
        written_bytes: Bytes written to followers, from the response to the handshake on.
        passes: Passes over all followers.
        pass_s: The durations of the passes.
        posted_to_written_s: Per entry, the time from its submission until the pass that wrote it was over.
        joined: Followers that joined.
        left: Followers that left, by reason.
        resets: Boards sent in place of missed entries, by reason.
        pauses: Times that a write buffer exceeded its high-water mark.
        heartbeats: Heartbeats written.
        tail_requests: Requests for the tail.

    """

    loaded: int = 0
    entries: int = 0
    deliveries: int = 0
    replayed: int = 0
    written_bytes: int = 0
    passes: int = 0
    pass_s: Histogram = msgspec.field(default_factory=Histogram)
    posted_to_written_s: Histogram = msgspec.field(default_factory=Histogram)
    joined: int = 0
    left: Counter[Leave] = msgspec.field(default_factory=Counter)
    resets: Counter[str] = msgspec.field(default_factory=Counter)
    pauses: int = 0
    heartbeats: int = 0
    tail_requests: int = 0


class FollowerContext(msgspec.Struct, frozen=True):
    """Limits, counters and callbacks that all followers of one channel share.

    Attributes:
        buffer_bytes: High-water mark of a write buffer (setting `follower_buffer_bytes`).
        message_bytes: Longest message that a follower may send (setting `reader_message_bytes`).
        counts: The channel's counters.
        time_slices: Bounds the work per iteration of the event loop.
        on_behind: Called when a follower needs another batch.
        on_pause: Called when a write buffer exceeds its high-water mark.
        on_resume: Called when the write buffer has room again.
        on_close: Called when the gateway begins to close the connection, with the reason.
        on_lost: Called after the connection has been closed, with the reason if the gateway didn't close it.

    """

    buffer_bytes: int
    message_bytes: int
    counts: Counts
    time_slices: TimeSlices
    on_behind: Callable[[Follower], None]
    on_pause: Callable[[Follower], None]
    on_resume: Callable[[Follower], None]
    on_close: Callable[[Follower, Leave], None]
    on_lost: Callable[[Follower, Leave], None]


class Follower(Member):
    """One connection that follows a channel.

    The channel's passes call `advance`. The transport's flow control pauses and resumes the follower. Its write buffer
    never holds more than two high-water marks of bytes that no other follower shares.

    Attributes:
        address: The address that it is counted for.
        state: Its stage.
        reset: The reason of a board that it must be sent before anything else, or None.
        lines: The size of its boards.
        language: The language of the words in its boards.
        replayed: The number of entries replayed so far.
        paused_at: When its write buffer exceeded the high-water mark, or None.

    """

    __slots__ = ("_context", "_inbound", "address", "language", "lines", "paused_at", "replayed", "reset", "state")

    slot: HeartbeatSlot[Follower]

    def __init__(
        self,
        transport: asyncio.Transport,
        frame_cache: FrameCache,
        slot: HeartbeatSlot[Follower],
        address: str,
        options: StreamOptions,
        context: FollowerContext,
    ) -> None:
        super().__init__(transport, frame_cache, slot)
        self.address = address
        # Not `options` itself: each reconnecting follower has its own, because its query is its own.
        self.lines, self.language = options.lines, options.language
        self.state: State = WAITING
        self.reset: Reset | None = None
        self.replayed = 0
        self.paused_at: float | None = None
        self._context = context
        self._inbound: Inbound | None = None

    # Called by the channel

    def begin(self, response: bytes, start: int | Reset | None) -> None:
        """Write the handshake's response and everything up to the head, in a single write.

        Args:
            response: The HTTP response that accepts the follower.
            start: The cursor to resume from. If it is None (no position given) or the reason why the given position
                can't be used, the follower gets the board.

        """
        cache = self.frame_cache
        head = cache.history.log.head
        self.state = REPLAYING
        frames = [response]
        if isinstance(start, int):
            mark = self._context.buffer_bytes  # the write buffer is empty: fill it as far as allowed
            batch = cache.batch(start, mark + mark // OWN_BATCHES)
            self.cursor, self.replayed = batch.until, batch.entries
            self._context.counts.deliveries += batch.entries
            self._context.counts.replayed += batch.entries
            frames.append(batch.data)
        else:
            self.cursor = head
            frames.append(cache.board(self.lines, start, self.language))
        if self.cursor == head:
            frames.append(cache.live(self.replayed))
            self.state = LIVE
        else:
            self._context.on_behind(self)
        self._context.counts.written_bytes += sum(map(len, frames))
        self.transport.writelines(frames)  # not joined: unsent bytes in the write buffer are then the cache's own

    def advance(self, *, at_live_cursor: bool = False) -> int:
        """Write one batch of the entries after the cursor. Return the number of entries written.

        The follower must not be in a write group. `at_live_cursor` says that all live followers are at this cursor, so
        that the batch is shared.
        """
        if self.paused_at is not None:
            return 0
        if self.reset is not None:
            self._restart(self.reset)
            return 0
        log = self.frame_cache.history.log
        if self.cursor == log.head:
            return 0
        if self.cursor < log.first - 1:
            self._restart(Reset.BEHIND)
            return 0
        mark = self._context.buffer_bytes
        batch = self.frame_cache.batch(self.cursor, mark if at_live_cursor else mark // OWN_BATCHES)
        if at_live_cursor and batch.until != log.head and not self.transport.get_write_buffer_size():
            batch = self.frame_cache.batch(self.cursor, BURST_MARKS * mark)
        self.cursor = batch.until
        if batch.data:
            self._put(batch.data)
        if batch.entries:
            self.sent = batch.until
        if self.state is REPLAYING:
            self._continue_replay(batch.entries)
        if self.cursor != log.head:
            self._context.on_behind(self)
        return batch.entries

    def _continue_replay(self, entries: int) -> None:
        self.replayed += entries
        self._context.counts.replayed += entries
        if self.cursor == self.frame_cache.history.log.head:
            self._put(self.frame_cache.live(self.replayed))
            self.state = LIVE

    def _restart(self, reset: Reset) -> None:
        """Send the board in place of the entries that can't be sent."""
        self._context.counts.resets[reset] += 1
        self.reset = None
        self.cursor = self.frame_cache.history.log.head
        self._put(self.frame_cache.board(self.lines, reset, self.language))
        if self.state is REPLAYING:
            self._continue_replay(0)

    def descriptor(self) -> int | None:
        """Return the socket's descriptor if the gateway may write to it directly, or None.

        That requires a transport with an empty write buffer that isn't closing and doesn't encrypt.
        """
        transport = self.transport
        if self.paused_at is not None or transport.is_closing() or transport.get_write_buffer_size():
            return None
        if isinstance(transport, SocketTransport):
            return transport.fileno()
        accepted = transport.get_extra_info("socket")
        return None if accepted is None or transport.get_extra_info("sslcontext") else accepted.fileno()

    def send(self, frame: bytes) -> bool:
        """Write a message that is not an entry, unless the follower is paused. Return whether it was written."""
        if self.paused_at is not None:
            return False
        self._write(frame)
        return True

    def _write(self, data: bytes) -> None:
        if self.group is not None:
            self.slot.leave_group(self)
        self._put(data)

    def _put(self, data: bytes) -> None:
        self._context.counts.written_bytes += len(data)
        self.transport.write(data)

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame and wait for the peer's. The channel aborts the connection if it doesn't come in time."""
        leave = _LEAVES.get(code, Leave.PROTOCOL)
        if self.transport.is_closing() or self._is_event_stream:
            self._end(leave)
            return
        self._context.on_close(self, leave)
        inbound = self._get_inbound()
        inbound.send_close(code, reason)
        self._flush(inbound)

    def close_expired(self) -> None:
        """Tell the peer that it needs a new token, and close the connection, unless it has left already."""
        if self.state is not LEFT:
            self.send(frame_message(self.frame_cache.key.framing, ByeMessage(0, "token")))
            self.close(CloseCode.TOKEN, "a new token is needed")

    def _end(self, leave: Leave = Leave.ENDED) -> None:
        """Close the transport after it has sent its write buffer. The channel aborts it if that takes too long.

        The follower leaves the channel first. Otherwise the channel would write more, and the buffer would never empty.
        """
        self._context.on_close(self, leave)
        self.transport.close()

    @property
    def _is_event_stream(self) -> bool:
        return self.frame_cache.key.framing is Framing.EVENTS

    # Called by the transport

    def pause_writing(self) -> None:
        """Pause the follower: its write buffer exceeds the high-water mark."""
        self.transport.pause_reading()  # a peer that pings but never reads would fill the write buffer with pongs
        self._context.on_pause(self)

    def resume_writing(self) -> None:
        """Resume the follower: the peer has read enough."""
        self.transport.resume_reading()
        self._context.on_resume(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the channel."""
        self._context.on_lost(self, Leave.ENDED if exc is None else Leave.LOST)

    def eof_received(self) -> bool:
        """End the connection in a time slice. Return True to keep the transport open until then."""
        self._context.time_slices.run(self._end_unless_closing)
        return True

    def _end_unless_closing(self) -> None:
        if not self.transport.is_closing():
            self._end()

    def data_received(self, data: bytes) -> None:
        """Answer pings and the closing handshake. Close the connection (1008) after anything else.

        Data that comes before the handshake's response ends the connection.
        """
        # A client sends nothing before the response (RFC 6455, 4.1): an answer to it would come before that.
        if self._is_event_stream or self.state is WAITING:
            self._end(Leave.SENT_DATA)
            return
        inbound, now = self._get_inbound(), asyncio.get_running_loop().time()
        for start in range(0, len(data), PARSED_BYTES):
            if inbound.receive(data[start : start + PARSED_BYTES], now):
                self._reject_frames(inbound)
            if inbound.has_too_many_frames:
                self._reject_frames(inbound)
                self._end()  # without parsing the rest, which includes the peer's close frame
                return
        self._flush(inbound)

    def _reject_frames(self, inbound: Inbound) -> None:
        if inbound.is_open:
            inbound.data_to_send()  # drop the pongs that it would be sent
            self.close(CloseCode.POLICY, "a reader sends nothing")

    def _get_inbound(self) -> Inbound:
        """Return the parser. It is created on the first use, because most followers never send anything."""
        if self._inbound is None:
            self._inbound = Inbound(self._context.message_bytes)
        return self._inbound

    def _flush(self, inbound: Inbound) -> None:
        for chunk in inbound.data_to_send():
            if chunk:
                self._write(chunk)
            elif inbound.parser_exc is not None and inbound.close_sent is not None:  # 1002, 1007 or 1009
                self._end(Leave.TOO_BIG if inbound.close_sent.code == CloseCode.TOO_BIG else Leave.PROTOCOL)
            else:  # the closing handshake is complete
                self._end()
