"""The state of one edition, as the terminal application shows it. `sync` updates it; everything else only reads it."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from enum import Enum
from itertools import islice
from typing import Final

import msgspec

from publisher_cli.decisions import LATELY, Decided
from publisher_cli.times import find_zone
from ticker.core.board import Board
from ticker.core.entry import Entry, Logged
from ticker.core.errors import SettingsError
from ticker.core.held import Held
from ticker.core.line import Line
from ticker.core.submission import Reach
from ticker.store.editions import StoredEdition
from ticker.store.reach import Report, reach_of

LINES_MAX: Final = 20_000
"""Maximum number of lines kept: as many as a log retains by default."""

OFF_BOARD_MAX: Final = 30
"""Maximum number of lines listed below the board."""

REACH_DELAY: Final = timedelta(seconds=5)
"""Gateways report within a second how far an entry came. If none has after this long, none will."""


class State(Enum):
    """Whether the application is connected to Redis."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


class Connection(msgspec.Struct, frozen=True):
    """The state of the connection, when it began, and why the connection was lost."""

    state: State
    since: datetime
    reason: str = ""


class EditionModel:
    """An edition's board, its held items, the editor's role, and the reach that gateways reported.

    `held` is None if the editor's Redis user may not read held items. `decided` are the decisions of others about the
    editor's own items, by the id of the receipt.
    """

    def __init__(self, stored: StoredEdition, editor: str) -> None:
        self.stored = stored
        self.editor = editor
        self.board = Board()
        self.seq = 0
        self.link: str | None = stored.nonce
        self.role = stored.edition.role
        self.held: list[Held] | None = []
        self.decided: dict[str, Decided] = {}
        self.reports: list[Report] = []
        self._seqs: dict[str, int] = {}
        self._changed_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def zone(self) -> tzinfo | None:
        """The edition's time zone. None means local time: the edition names no zone, or an unknown one."""
        try:
            return find_zone(self.stored.edition.zone)
        except SettingsError:
            return None

    def apply(self, logged: Logged) -> None:
        """Apply the next log entry. Drop the oldest tenth of the lines, but no pinned ones, when there are too many."""
        self.board.apply(logged.entry)
        self.seq, self.link = logged.seq, logged.link
        self._changed_at = logged.entry.line.updated_at
        self._seqs[logged.entry.line.id] = logged.seq
        if logged.entry.trim is not None:
            for line_id in logged.entry.trim.forgotten:
                self._seqs.pop(line_id, None)
        if len(self.board) > LINES_MAX:
            now = logged.entry.line.updated_at
            oldest = list(self.board.newest_first())[LINES_MAX * 9 // 10 :]
            for entry in (each for each in oldest if not each.line.is_pinned(now)):
                self.board.remove(entry.line.id)
                self._seqs.pop(entry.line.id, None)

    def on_board(self, now: datetime) -> list[Line]:
        """Return the lines that readers see."""
        return self.board.lines(now, self.stored.edition.board_lines, notices=self.stored.edition.notices)

    def off_board(self, now: datetime) -> list[Entry]:
        """Return the newest lines that readers don't see: hidden, expired, or pushed off the board by newer lines."""
        shown = {line.id for line in self.on_board(now)}
        return list(islice((entry for entry in self.board.newest_first() if entry.line.id not in shown), OFF_BOARD_MAX))

    def pending(self) -> list[Held]:
        """Return the held items that wait for a second person."""
        return [held for held in self.held or () if held.waits_for_person]

    def scheduled(self) -> list[Held]:
        """Return the held items that wait for their time, the next one first."""
        found = [held for held in self.held or () if not held.waits_for_person]
        return sorted(found, key=lambda held: (held.due_at or held.submitted_at, held.id))

    def decided_lately(self, now: datetime) -> list[Decided]:
        """Return what others decided lately about the editor's own items, the newest first."""
        return [each for _, each in sorted(self.decided.items(), reverse=True) if now - each.at < LATELY]

    def held_by_id(self, held_id: str) -> Held | None:
        return next((held for held in self.held or () if held.id == held_id), None)

    def line_of(self, held: Held) -> Line | None:
        """Return the line that a held item would change, or None for a new line."""
        entry = None if held.submission.id is None else self.board.get(held.submission.id)
        return None if entry is None else entry.line

    def reach(self, line_id: str | None = None) -> Reach | None:
        """Return how far the latest entry of a line, or of the log, has come, or None if no gateway has reported it."""
        seq = self.seq if line_id is None else self._seqs.get(line_id, 0)
        return reach_of(seq, self.reports)

    def readers(self, now: datetime) -> Reach | None:
        """Return the reach of the latest entry, or of the entry before until gateways have reported the latest one.

        None if no gateway reports.
        """
        reach = self.reach()
        if reach is not None or not self.reports:
            return reach
        is_fresh = self._changed_at is not None and now - self._changed_at < REACH_DELAY
        return reach_of(self.reports[0].last, self.reports) if is_fresh else None
