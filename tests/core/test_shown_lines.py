"""A line counts as shown if any selection has it on its board, and for as long as that is possible."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import START, histories, reader_entry, selections
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Change, Direction, Facets, Line, Status
from ticker.core.selection import Selection
from ticker.core.shown_lines import ShownLines

HOUR = timedelta(hours=1)


class Shown:
    """A board and its shown lines. `size` lines are on each board."""

    def __init__(self, size: int = 2) -> None:
        self.board = Board()
        self.lines = ShownLines(self.board)
        self.size = size
        self.number = 0

    def add(self, line_id: str, **fields: object) -> Line:
        self.number += 1
        plain = Line(
            id=line_id, version=1, number=self.number, change=Change.NEW, text="x", lang="en", dir=Direction.LTR,
            created_at=START, updated_at=START,
        )  # fmt: skip
        line = msgspec.structs.replace(plain, **fields)
        self.apply(reader_entry(line))
        return line

    def apply(self, entry: Entry) -> None:
        self.board.apply(entry)
        self.lines.update(entry.line.id)

    def withdraw(self, line: Line) -> None:
        self.apply(reader_entry(msgspec.structs.replace(line.without_text(Status.CANCELED), version=9)))

    def shows(self, line_id: str, after: timedelta = timedelta(0)) -> bool:
        entry = self.board.get(line_id)
        assert entry is not None
        return self.lines.shows(entry, START + after, self.size)


def test_a_line_shows_until_as_many_lines_as_a_board_has_are_newer() -> None:
    shown = Shown()
    shown.add("old")
    shown.add("b")
    assert shown.shows("old")
    shown.add("c")
    assert not shown.shows("old")


def test_a_line_of_a_rare_section_shows_behind_many_lines_of_others() -> None:
    shown = Shown()
    shown.add("rare", section="arts", regions=("asia",))
    for number in range(9):
        shown.add(f"sports-{number}", section="sports", regions=("asia",))
    assert shown.shows("rare")


def test_a_line_shows_in_a_section_that_it_has_left() -> None:
    shown = Shown()
    line = shown.add("moved", section="arts")
    moved = msgspec.structs.replace(line, version=2, section="sports")
    shown.apply(Entry(line=moved, earlier_facets=(line.facets,), editor="", key="", submitted_at=START))
    for number in range(9):
        shown.add(f"sports-{number}", section="sports")
    assert shown.shows("moved")


def test_expired_lines_take_no_place() -> None:
    shown = Shown()
    shown.add("old")
    for number in range(9):
        shown.add(f"short-{number}", expires_at=START + HOUR)
    assert not shown.shows("old")
    assert shown.shows("old", after=HOUR)


def test_withdrawn_and_hidden_lines_take_no_place() -> None:
    shown = Shown()
    shown.add("old")
    for number in range(9):
        line = shown.add(f"gone-{number}")
        shown.withdraw(line)
        hidden = shown.add(f"hidden-{number}")
        shown.apply(reader_entry(msgspec.structs.replace(hidden.without_text(Status.WITHHELD), version=2)))
    assert shown.shows("old")
    assert not shown.shows("hidden-8")


def test_a_pinned_line_shows_behind_newer_lines_until_its_pin_ends() -> None:
    shown = Shown()
    shown.add("pinned", pinned_until=START + HOUR)
    for number in range(9):
        shown.add(f"line-{number}")
    assert shown.shows("pinned")
    assert not shown.shows("pinned", after=HOUR)


def test_an_unpinned_line_counts_by_its_age_again() -> None:
    shown = Shown()
    line = shown.add("pinned", pinned_until=START + HOUR)
    for number in range(9):
        shown.add(f"line-{number}")
    shown.apply(reader_entry(msgspec.structs.replace(line, version=2, pinned_until=None)))
    assert not shown.shows("pinned")


def test_only_as_many_notices_show_as_a_board_has_lines() -> None:
    shown = Shown()
    for number in range(4):
        shown.withdraw(shown.add(f"gone-{number}"))
    assert [shown.shows(f"gone-{number}") for number in range(4)] == [False, False, True, True]


def test_a_notice_behind_newer_lines_does_not_show() -> None:
    shown = Shown()
    shown.withdraw(shown.add("gone"))
    shown.add("b")
    shown.add("c")
    assert not shown.shows("gone")


@given(histories(30), selections(), st.integers(1, 4), st.integers(0, 120))
def test_every_line_on_the_board_of_any_selection_is_shown(
    log: list[Entry], selection: Selection, size: int, minutes: int
) -> None:
    shown = Shown(size)
    for entry in log:
        shown.apply(entry)
    now = START + timedelta(minutes=minutes)
    for line in shown.board.lines(now, size, selection):
        entry_of_line = shown.board.get(line.id)
        assert entry_of_line is not None
        assert shown.lines.shows(entry_of_line, now, size)


def test_removed_lines_leave_nothing_behind() -> None:
    shown = Shown()
    shown.add("a", section="arts", regions=("asia",), pinned_until=START + HOUR)
    shown.board.remove("a")
    shown.lines.update("a")
    assert not shown.lines._cells
    assert not shown.lines._place_of


def test_facets_of_earlier_versions_are_compared_once() -> None:
    shown = Shown()
    line = shown.add("a", section="arts")
    entry = Entry(line=line, earlier_facets=(line.facets, Facets(1)), editor="", key="", submitted_at=START)
    shown.lines.update("a")
    assert shown.lines.shows(entry, START, 1)
