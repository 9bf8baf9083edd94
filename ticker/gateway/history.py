"""The retained log of one edition, as frames ready to send, and its board.

Nothing here knows followers, sockets or the event loop.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from ticker.core.board import Board
from ticker.core.edition import Edition
from ticker.core.entry import Entry, Logged
from ticker.core.line import Facets, Line, Status
from ticker.core.log_window import LogWindow
from ticker.core.messages import encode_line
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.gateway.framing import Framing, deflated_frame, event, websocket_frame, websocket_payload

TRIM_SLACK: Final = 256
"""Entries kept above `retained` before the next trim. Removing items from the front of a list moves all the others."""


class PreparedEntry(msgspec.Struct):
    """A log entry as the gateway keeps it.

    Attributes:
        frame: The entry's `line` message as a plain WebSocket frame.
        line: The line as readers see it.
        facets: All facets that the line has or had. A selection that matches one of them gets the entry.
        previous: The seq of the line's previous entry, or 0.
        latest_at: The latest `updated_at` up to this entry. It never decreases, even if the desk's clock does.
        is_for_everyone: Whether every follower gets the entry.
        forgotten: The lines that readers have to drop, in the order of the log just before this entry.
        deflated: The compressed frame, once a follower has needed it.

    """

    frame: bytes
    line: Line
    facets: tuple[Facets, ...]
    previous: int
    latest_at: datetime
    is_for_everyone: bool = False
    forgotten: tuple[str, ...] = ()
    deflated: bytes = b""

    def framed(self, framing: Framing, position: Position | None) -> bytes:
        """Return the entry in the given framing. `position` is the entry's position, needed for events."""
        if framing is Framing.WEBSOCKET:
            return self.frame
        payload = websocket_payload(self.frame)
        if framing is Framing.EVENTS:
            return event("line", str(position), payload)
        if not self.deflated:
            self.deflated = deflated_frame(payload)
        return self.deflated

    def matches(self, selection: Selection) -> bool:
        """Return whether followers with this selection get the entry."""
        return selection is EVERYTHING or self.is_for_everyone or any(map(selection.matches, self.facets))


class History:
    """The newest `retained` entries of an edition's log, its board and its settings.

    The board has every known line: the log says when a line is forgotten (see `ticker.core.entry.Trim`). So it doesn't
    depend on how many entries this gateway keeps.
    """

    def __init__(self, name: str, edition: Edition, nonce: str, retained: int) -> None:
        self.name = name
        self.edition = edition
        self.nonce = nonce
        self.log: LogWindow[PreparedEntry] = LogWindow(0, nonce)
        self.board = Board()
        self._retained = retained
        self._latest: dict[str, int] = {}  # line id → seq of its latest entry, if that is retained
        self._stories: dict[str, str] = {}  # id of a withdrawn or hidden line → the story that it was in

    @property
    def is_incomplete(self) -> bool:
        """Whether the log is damaged, so that entries are missing before those of this history."""
        return self.log.is_incomplete

    @property
    def latest_at(self) -> datetime | None:
        """The latest time at which one of the retained entries was published, or None without entries."""
        return self.log[self.log.head].latest_at if self.log.head >= self.log.first else None

    def first_since(self, instant: datetime) -> int:
        """Return the seq of the first retained entry at or after `instant`, or the seq after the head.

        The order of the log counts: no entry before it is at or after `instant`, but later ones may be before it, if
        the desk's clock was set back.
        """
        return self._first(bisect_left, instant)

    def first_after(self, instant: datetime) -> int:
        """Return the seq of the first retained entry after `instant`, or the seq after the head (see `first_since`)."""
        return self._first(bisect_right, instant)

    def _first(self, bisect: Callable[..., int], instant: datetime) -> int:
        seqs = range(self.log.first, self.log.head + 1)
        return self.log.first + bisect(seqs, instant, key=lambda seq: self.log[seq].latest_at)

    def versions(self, line_id: str, most: int) -> list[PreparedEntry]:
        """Return a line's newest retained entries, at most `most`, the oldest first."""
        found: list[PreparedEntry] = []
        seq = self._latest.get(line_id, 0)
        while seq >= self.log.first and len(found) < most:
            found.append(self.log[seq])
            seq = found[-1].previous
        return found[::-1]

    def story_of(self, line: Line) -> str | None:
        """Return the story of a line, or the one that it was in before its text was removed.

        A gateway that loads a log in which only the notice is left doesn't know the latter.
        """
        return line.coverage or self._stories.get(line.id)

    def append(self, logged: Logged) -> None:
        """Append the entry after the head. The caller has checked its link.

        If the entry removes its line from the board, the text of the line's earlier entries is removed too.
        """
        entry, line = logged.entry, logged.entry.line
        previous = self._latest.get(line.id, 0)
        frame = websocket_frame(encode_line(self.log.position_of(logged.seq, logged.link), line))
        prepared = PreparedEntry(
            frame,
            line,
            (line.facets, *entry.earlier_facets),
            previous,
            line.updated_at if self.latest_at is None else max(self.latest_at, line.updated_at),
            is_for_everyone=entry.is_for_everyone,
            forgotten=() if entry.trim is None else entry.trim.forgotten,
        )
        self.log.append(logged.link, prepared)
        self._latest[line.id] = logged.seq
        self._apply(entry)
        if line.status is not Status.USABLE:
            self._mask(previous, line.status)
        if self.log.head - self.log.first >= self._retained + TRIM_SLACK:
            self._trim()

    def replace(self, nonce: str, log: LogWindow[Logged], before: Sequence[Logged] | None = None) -> None:
        """Replace everything by another log: a new history, or this one after a gap that can't be filled.

        `before` are the sound entries of a damaged log before its last damage. Their lines are on the board.
        """
        self.nonce = nonce
        base_link = log.link_at(log.first - 1)
        self.log = LogWindow(log.first - 1, base_link, is_incomplete=before is not None)
        self.board = Board()
        self._stories = {}
        for logged in before or ():
            self._apply(logged.entry)
        self._latest = {}
        for logged in log.iterate(log.first - 1):
            self.append(logged)

    def _apply(self, entry: Entry) -> None:
        known, line = self.board.get(entry.line.id), entry.line
        if line.status is Status.USABLE:
            self._stories.pop(line.id, None)
        elif known is not None and known.line.coverage is not None:
            self._stories[line.id] = known.line.coverage
        for line_id in () if entry.trim is None else entry.trim.forgotten:
            self._stories.pop(line_id, None)
        self.board.apply(entry)

    def _mask(self, seq: int, status: Status) -> None:
        """Remove the text from entry `seq` and from the line's entries before it. Nobody is sent that text again."""
        while seq >= self.log.first:
            entry = self.log[seq]
            if entry.line.status is not status or entry.line.text:
                line = entry.line.without_text(status)
                position = self.log.position_at(seq)
                assert position is not None, "a retained entry has a position"
                frame = websocket_frame(encode_line(position, line))
                self.log[seq] = msgspec.structs.replace(entry, frame=frame, line=line, deflated=b"")
            seq = entry.previous

    def _trim(self) -> None:
        first = self.log.first
        for seq, entry in enumerate(self.log.items(first - 1, self.log.head - self._retained), first):
            if self._latest.get(entry.line.id) == seq:
                del self._latest[entry.line.id]
        self.log.trim(self._retained)
