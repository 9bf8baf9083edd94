"""Invariants of what a follower receives: the log without a gap or a repeat, or a board that replaces what it had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from tests.faults.invariants.histories import Histories, fold, is_complete, removed_texts
from tests.faults.invariants.records import Event, Opened
from tests.support.strategies import reader_entry
from ticker.core.board import Board
from ticker.core.edition import NOTICES
from ticker.core.entry import Logged
from ticker.core.line import Line
from ticker.core.log_window import Reset
from ticker.core.messages import (
    BoardMessage,
    ByeMessage,
    ForgetMessage,
    HeartbeatMessage,
    LineMessage,
    LiveMessage,
)
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection

ONE_WRITE_LINES: Final = 40
"""A replay of up to this many short lines is one write. All of it is therefore as of its `live` message."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """The facts against which a follower is checked.

    Attributes:
        histories: All logs of the schedule.
        head: The head of the log at the end.
        may_reset: The reasons for a reset that this schedule allows.
        was_damaged: The log was damaged for a while. A gateway that starts then gives out positions of its own.
        now: The time for boards, which leave expired lines out.
        lines: The size of a board.
        selection: The follower's selection.

    """

    histories: Histories
    head: Position
    may_reset: frozenset[Reset]
    was_damaged: bool = False
    now: datetime
    lines: int = 10
    selection: Selection = EVERYTHING


class FollowerResult(msgspec.Struct):
    """The result for one follower.

    Attributes:
        positions: Every position that the follower had.
        violations: A sentence for each violation.
        deliveries: How many lines it received.
        boards: How many boards it received.
        resets: How many of the boards were resets.
        unknown: How many positions are in no recorded log, so that their boards and lines can't be compared.

    """

    positions: set[str] = msgspec.field(default_factory=set)
    violations: list[str] = msgspec.field(default_factory=list)
    deliveries: int = 0
    boards: int = 0
    resets: int = 0
    unknown: int = 0


def check_follower(events: Sequence[Event], expected: Expectation) -> FollowerResult:
    """Check that a follower received the log's entries without a gap or a repeat, up to the head.

    A board may replace what the follower had. It must be the fold of the log, and a `reset` needs a reason. A replay
    contains no text that was taken back.
    """
    return _FollowerCheck(expected).run(events)


class _FollowerCheck:
    def __init__(self, expected: Expectation) -> None:
        self.expected = expected
        self.result = FollowerResult()
        self.position: Position | None = None
        self.opened: Opened | None = None  # set until the connection's first message
        self.board = Board()  # as a reader computes it
        self.replay: list[LineMessage] = []
        self.is_replaying = False

    def run(self, events: Sequence[Event]) -> FollowerResult:
        for event in events:
            self._check(event)
            self.result.positions.add(str(self.position))
        if self.expected.selection is not EVERYTHING and self.position is not None:
            self._move_to("end", str(self.expected.head))  # a later heartbeat would move the follower there
        if self.position != self.expected.head:
            self._violation(f"ended at {self.position}, the log's head is {self.expected.head}")
        self._check_shown()
        return self.result

    def _check(self, event: Event) -> None:
        match event:
            case Opened():
                self._check_opened(event)
            case BoardMessage():
                self._check_board(event)
            case LineMessage():
                self._check_line(event)
            case ForgetMessage():
                for line_id in event.lines:
                    self.board.remove(line_id)
            case LiveMessage():
                self._check_live(event)
            case HeartbeatMessage():
                self._move_to("heartbeat", event.position)
            case ByeMessage():
                pass

    def _check_shown(self) -> None:
        """At the end, a new follower with an unlimited board gets each visible line of this follower.

        It might show such a line later, when newer lines expire.
        """
        path = self.expected.histories.path(self.expected.head)
        if path is None or not is_complete(path) or self.position != self.expected.head:
            return
        now = self.expected.now
        wanted = fold(path).lines(now, len(path), self.expected.selection)
        more = [line for line in self.board.lines(now, len(self.board)) if line not in wanted]
        if more:
            self._violation(f"has {_names(more)}, which a new follower doesn't get")

    def _has_position_of_damaged_log(self) -> bool:
        position = self.position
        return self.expected.was_damaged and position is not None and self.expected.histories.path(position) is None

    def _is_due_to_damage(self, reset: BoardMessage) -> bool:
        """Return whether a gateway without the sound log sends this reset, or has sent the follower's position."""
        return self._has_position_of_damaged_log() or (self.expected.was_damaged and reset.incomplete)

    def _violation(self, text: str) -> None:
        self.result.violations.append(text)

    def _check_opened(self, event: Opened) -> None:
        if event.after is not None and self.position is not None and event.after != str(self.position):
            self._violation(f"the harness resumed after {event.after}, but was at {self.position}")
        self.opened, self.replay, self.is_replaying = event, [], True

    def _check_board(self, board: BoardMessage) -> None:
        self.result.boards += 1
        opened, self.opened = self.opened, None
        is_first = opened is not None and opened.after is None
        if (board.reset is None) != is_first:
            self._violation(f"a board at {board.position} with reset {board.reset} after {opened}")
        if board.reset is not None:
            self.result.resets += 1
            if board.reset not in self.expected.may_reset and not self._is_due_to_damage(board):
                self._violation(f"reset ({board.reset}) at {board.position}, but nothing was lost")
        self.position = Position.parse(board.position)
        self.board = Board()
        for line in board.lines:
            self.board.apply(reader_entry(line))
        path = self.expected.histories.path(self.position)
        if path is None:
            self.result.unknown += self.position.seq > 0
            return
        self.result.violations += check_board(board.position, board.lines, path, self.expected)

    def _check_line(self, message: LineMessage) -> None:
        self.result.deliveries += 1
        before, opened, position = self.position, self.opened, Position.parse(message.position)
        self.position, self.opened = position, None
        self.board.apply(reader_entry(message.line))
        if before is None or (opened is not None and opened.after is None):
            self._violation(f"{message.position} came before any board")
            return
        if self.is_replaying:
            self.replay.append(message)
        path = self.expected.histories.path(position)
        if path is None:
            self.result.unknown += 1
            if position.seq <= before.seq:
                self._violation(f"{message.position} came after {before}")
            return
        self._check_next(before, path)
        if not self.expected.histories.matches(message.line, path[-1].entry):
            self._violation(f"{message.position} is not the log's: {message.line}")

    def _check_next(self, before: Position, path: Sequence[Logged]) -> None:
        """Check that `path` continues from `before`, and that its last entry is the next one for this follower."""
        missed = [each for each in path[before.seq - path[0].seq + 1 :] if before.seq >= path[0].seq - 1]
        includes = self.expected.selection.includes
        due = [each.seq for each in missed if includes(each.entry)]
        if due != [path[-1].seq]:
            self._violation(f"{path[-1].position} came after {before}: expected {due[:5]}")
        elif missed and self.expected.histories.previous(missed[0]) not in (before, None):
            self._violation(f"{path[-1].position} came after {before} without a reset, but {before} is in another log")

    def _check_live(self, message: LiveMessage) -> None:
        if self.opened is not None and self.opened.after is None:
            self._violation(f"live at {message.position} before any board")
        self.opened = None
        self._move_to("live", message.position)
        if message.replayed != len(self.replay):
            self._violation(f"live says {message.replayed} lines were replayed, but {len(self.replay)} were")
        path = self.expected.histories.path(Position.parse(message.position))
        if path is not None and len(self.replay) <= ONE_WRITE_LINES:
            removed = removed_texts(path)
            self.result.violations += [
                f"replayed {line.position} with a text that was taken back before {message.position}"
                for line in self.replay
                if line.line.text in removed
            ]
        self.is_replaying = False

    def _move_to(self, message: str, text: str) -> None:
        """Move to a position without a line. Only entries outside the follower's selection may lie between."""
        before, position = self.position, Position.parse(text)
        self.position = position
        if before is None or before == position:
            return
        path = self.expected.histories.path(position) or ()
        if position.seq == before.seq and self._has_position_of_damaged_log():
            self.result.unknown += 1
            return
        missed = [each.seq for each in path if each.seq > before.seq and self.expected.selection.includes(each.entry)]
        if self.expected.selection is EVERYTHING or position.seq < before.seq or missed:
            self._violation(f"a {message} moved from {before} to {text}: expected {missed[:5]}")


def check_board(position: str, lines: Sequence[Line], path: Sequence[Logged], expected: Expectation) -> list[str]:
    """A board is the fold of the log at its position, even after a trim.

    If the beginning of the path is unknown, only the lines that it has are compared.
    """
    board = fold(path)
    if is_complete(path):
        wanted = board.lines(expected.now, expected.lines, expected.selection, notices=NOTICES)
    else:
        ids = {line.id for line in lines}
        wanted = [line for line in board.lines(expected.now, len(path), expected.selection) if line.id in ids]
        lines = [line for line in lines if line.id in board]
    if list(lines) == wanted:
        return []
    return [f"the board at {position} is not the fold: {_names(lines)} instead of {_names(wanted)}"]


def _names(lines: Sequence[Line]) -> str:
    return ", ".join(f"{line.id}v{line.version}" for line in lines[:12]) or "nothing"
