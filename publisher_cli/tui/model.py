"""What is known of an edition at a moment: read from Redis by `listening`, shown by everything else."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Final

import msgspec

from publisher_cli.times import find_zone
from ticker.core.board import Board
from ticker.core.entry import Entry, Logged
from ticker.core.errors import SettingsError
from ticker.core.held import Held
from ticker.core.line import Line
from ticker.core.submission import Reach
from ticker.store.editions import StoredEdition
from ticker.store.reach import Report, reach_of

LINES_KEPT: Final = 10_000
"""As many lines as a log retains by default: more would only ever be of a view that stays open for weeks."""

OFF_BOARD_SHOWN: Final = 30
REACH_LATE: Final = timedelta(seconds=5)
"""Gateways tell within a second how far an entry came: after this long, none has it."""


class State(Enum):
    """How the view stands to Redis."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


class Connection(msgspec.Struct, frozen=True):
    """`since` when it is so; `why` it was lost."""

    state: State
    since: datetime
    why: str = ""


class Picture:
    """An edition's board, and what else an editor has to see of it. Changed by the listener alone."""

    def __init__(self, stored: StoredEdition, editor: str) -> None:
        self.stored = stored
        self.editor = editor
        self.board = Board()
        self.seq = 0
        self.link: str | None = stored.nonce
        self.role = stored.edition.role
        self.held: list[Held] | None = []  # None: this editor's Redis user may not read it
        self.reports: list[Report] = []
        self._seqs: dict[str, int] = {}
        self._changed: datetime | None = None

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def zone(self) -> tzinfo | None:
        """The desk’s time zone; None is this machine’s, also where it doesn’t know the other: times read back say."""
        try:
            return find_zone(self.stored.edition.zone)
        except SettingsError:
            return None

    def apply(self, logged: Logged) -> None:
        self.board.apply(logged.entry)
        self.seq, self.link = logged.seq, logged.link
        self._changed = logged.entry.line.updated_at
        self._seqs[logged.entry.line.id] = logged.seq
        if len(self.board) > LINES_KEPT:
            oldest = list(self.board.newest_first())[LINES_KEPT * 9 // 10 :]
            for entry in oldest:
                self.board.forget(entry.line.id)
                del self._seqs[entry.line.id]

    def on_board(self, now: datetime) -> list[Line]:
        return self.board.lines(now, self.stored.edition.board_lines)

    def off_board(self, now: datetime) -> list[Entry]:
        """The newest lines that don't show: held off the board, expired, or pushed down by newer ones."""
        shown = {line.id for line in self.on_board(now)}
        found: list[Entry] = []
        for entry in self.board.newest_first():
            if len(found) == OFF_BOARD_SHOWN:
                break
            if entry.line.id not in shown:
                found.append(entry)
        return found

    def pending(self) -> list[Held]:
        return [held for held in self.held or () if held.waits_for_person]

    def scheduled(self) -> list[Held]:
        found = [held for held in self.held or () if not held.waits_for_person]
        return sorted(found, key=lambda held: (held.due_at or held.submitted_at, held.id))

    def held_by_id(self, held_id: str) -> Held | None:
        return next((held for held in self.held or () if held.id == held_id), None)

    def reach(self, line_id: str | None = None) -> Reach | None:
        """How far the latest entry of a line has come, or that of the whole log; None where no gateway has told."""
        seq = self.seq if line_id is None else self._seqs.get(line_id, 0)
        return reach_of(seq, self.reports)

    def readers(self, now: datetime) -> Reach | None:
        """Who has the latest entry, or, for the moment that gateways take to tell, who had the one before.

        None where none of them tells.
        """
        reach = self.reach()
        if reach is not None or not self.reports:
            return reach
        is_fresh = self._changed is not None and now - self._changed < REACH_LATE
        return reach_of(self.reports[0].last, self.reports) if is_fresh else None
