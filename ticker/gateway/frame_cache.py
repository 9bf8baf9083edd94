"""A view: what followers of one edition with the same wish share. Each of its pieces is encoded once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ticker.core.board import changes_by_itself_at
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, HeartbeatMessage, LiveMessage
from ticker.core.selection import Selection
from ticker.gateway.framing import Framing, frame_message

if TYPE_CHECKING:
    from ticker.gateway.channel import Channel

PIECES_MAX: Final = 256
"""How many pieces a view keeps between two entries: one for each cursor that its followers come back with.

No more than it has followers, so that a few of them who ask for many different positions can't fill the memory.
"""


class Wish(NamedTuple):
    """What a follower asks for. Equal wishes share a view."""

    selection: Selection
    lines: int
    framing: Framing


class Piece(NamedTuple):
    """What follows a cursor, ready to write: `data`, the cursor after it, and how many entries it has."""

    data: bytes
    until: int
    entries: int


class _Board(NamedTuple):
    data: bytes
    stands_until: datetime | None


class View:
    """The pieces, boards and heartbeats of one wish, kept until the channel changes. `followers` share it."""

    __slots__ = ("_boards", "_heartbeats", "_lives", "_pieces", "channel", "followers", "wish")

    def __init__(self, channel: Channel, wish: Wish) -> None:
        self.channel = channel
        self.wish = wish
        self.followers = 0
        self._pieces: dict[tuple[int, int], Piece] = {}
        self._boards: dict[Reset | None, _Board] = {}
        self._lives: dict[int, bytes] = {}
        self._heartbeats: dict[int, bytes] = {}

    def changed(self) -> None:
        """Forget what was made: the channel has new entries, or took some back."""
        if self._pieces:
            self._pieces = {}
        if self._boards:
            self._boards = {}
        if self._lives:
            self._lives = {}
        if self._heartbeats:
            self._heartbeats = {}

    def piece(self, cursor: int, bytes_max: int) -> Piece:
        """The frames after `cursor` up to the head, or as many as `bytes_max` takes (one at least)."""
        piece = self._pieces.get((cursor, bytes_max))
        if piece is None:
            self._make_room(self._pieces)
            piece = self._pieces[cursor, bytes_max] = self._make_piece(cursor, bytes_max)
        return piece

    def _make_room(self, kept: dict[Any, Any]) -> None:
        if len(kept) >= min(PIECES_MAX, self.followers):
            kept.clear()

    def _make_piece(self, cursor: int, bytes_max: int) -> Piece:
        log, selection, framing = self.channel.log, self.wish.selection, self.wish.framing
        frames: list[bytes] = []
        size, until = 0, cursor
        for item in log.iterate(cursor):
            if item.is_taken_by(selection):
                frame = item.framed(framing, log.position_at(until + 1))
                if frames and size + len(frame) > bytes_max:
                    break
                frames.append(frame)
                size += len(frame)
            until += 1
        return Piece(b"".join(frames), until, len(frames))

    def board(self, reset: Reset | None) -> bytes:
        """The frame of the board at this moment."""
        now = self.channel.clock()
        made = self._boards.get(reset)
        if made is None or (made.stands_until is not None and made.stands_until <= now):
            made = self._boards[reset] = self._make_board(reset, now)
        return made.data

    def _make_board(self, reset: Reset | None, now: datetime) -> _Board:
        channel = self.channel
        lines = channel.board.lines(now, self.wish.lines, self.wish.selection)
        message = BoardMessage(str(channel.log.position), reset, EditionInfo.of(channel.name, channel.edition), lines)
        return _Board(frame_message(self.wish.framing, message), changes_by_itself_at(lines, now))

    def live(self, replayed: int) -> bytes:
        frame = self._lives.get(replayed)
        if frame is None:
            self._make_room(self._lives)
            message = LiveMessage(str(self.channel.log.position), replayed)
            frame = self._lives[replayed] = frame_message(self.wish.framing, message)
        return frame

    def heartbeat(self, cursor: int) -> bytes:
        """A heartbeat with the position of `cursor`, which must be retained."""
        frame = self._heartbeats.get(cursor)
        if frame is None:
            self._make_room(self._heartbeats)
            message = HeartbeatMessage(str(self.channel.log.position_at(cursor)))
            frame = self._heartbeats[cursor] = frame_message(self.wish.framing, message)
        return frame
