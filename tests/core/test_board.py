"""The board: independent of where a log is cut, and its visible lines at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import START, fold, histories, reader_entry, selections
from ticker.core.board import Board, next_change_at
from ticker.core.entry import Entry
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.selection import Selection

NOW = START + timedelta(hours=1)
MOMENTS = st.integers(-60, 600).map(lambda minutes: START + timedelta(minutes=minutes))
ALL = 1000


def line(number: int, **fields: object) -> Line:
    plain = Line(
        id=f"line-{number}",
        version=1,
        number=number,
        change=Change.NEW,
        text=f"Text {number}",
        lang="en",
        dir=Direction.LTR,
        created_at=START,
        updated_at=START,
    )
    return msgspec.structs.replace(plain, **fields)


def withdrawn(number: int) -> Line:
    return msgspec.structs.replace(line(number).without_text(Status.CANCELED), version=2, change=Change.WITHDRAW)


def board_of(*shown: Line) -> Board:
    return fold([reader_entry(each) for each in shown])


def numbers(shown: Iterable[Line]) -> list[int]:
    return [each.number for each in shown]


@given(histories(), st.integers(0, 25), st.randoms(use_true_random=False))
def test_the_board_does_not_depend_on_where_the_log_is_cut(log: list[Entry], cut: int, random: Random) -> None:
    first = fold(log[:cut])
    resumed = Board()
    kept = list(first.newest_first())
    random.shuffle(kept)
    for entry in [*kept, *log[cut:]]:
        resumed.apply(entry)
    assert list(resumed.newest_first()) == list(fold(log).newest_first())


@given(histories(), st.integers(0, 25))
def test_the_board_of_a_trimmed_log_lacks_only_the_trimmed_lines(log: list[Entry], retained: int) -> None:
    whole = fold(log)
    trimmed, kept = log[: max(len(log) - retained, 0)], log[max(len(log) - retained, 0) :]
    for line_id in {entry.line.id for entry in trimmed} - {entry.line.id for entry in kept}:
        whole.remove(line_id)
    assert list(fold(kept).newest_first()) == list(whole.newest_first())
    assert fold(kept).lines(NOW, ALL) == whole.lines(NOW, ALL)


@given(histories(), selections(), MOMENTS, st.integers(1, 10))
def test_the_board_of_a_selection_is_the_board_of_the_filtered_log(
    log: list[Entry], selection: Selection, now: datetime, size: int
) -> None:
    replay = [entry for entry in log if selection.includes(entry)]
    assert fold(log).lines(now, size, selection) == fold(replay).lines(now, size)


@given(histories(), selections(), st.integers(0, 25), MOMENTS, st.integers(0, 120))
def test_a_board_message_and_later_entries_give_the_board_of_the_whole_log(
    log: list[Entry], selection: Selection, cut: int, then: datetime, minutes: int
) -> None:
    reader = board_of(*fold(log[:cut]).lines(then, ALL, selection))
    for entry in log[cut:]:
        if selection.includes(entry):
            reader.apply(reader_entry(entry.line))
    now = then + timedelta(minutes=minutes)
    assert reader.lines(now, ALL) == fold(log).lines(now, ALL, selection)


@given(histories(), selections())
def test_a_selection_that_includes_a_version_includes_all_later_ones(log: list[Entry], selection: Selection) -> None:
    sent: set[str] = set()
    for entry in log:
        assert entry.line.id not in sent or selection.includes(entry)
        if selection.includes(entry):
            sent.add(entry.line.id)


@given(histories(), st.integers(0, 25), MOMENTS)
def test_a_replay_of_known_entries_changes_nothing(log: list[Entry], again_from: int, now: datetime) -> None:
    board = fold(log)
    before = board.lines(now, ALL)
    for entry in log[again_from:]:
        board.apply(entry)
    assert board.lines(now, ALL) == before


@given(histories(), MOMENTS, st.integers(1, 10))
def test_a_board_stays_the_same_until_its_next_change(log: list[Entry], now: datetime, size: int) -> None:
    board = fold(log)
    shown = board.lines(now, size)
    instant = next_change_at(shown, now)
    if instant is None:
        assert board.lines(now + timedelta(days=365), size) == shown
    else:
        assert instant > now
        assert board.lines(instant - timedelta(microseconds=1), size) == shown


@given(histories(), MOMENTS, st.integers(1, 10))
def test_a_board_has_at_most_its_size_of_lines_and_of_notices(log: list[Entry], now: datetime, size: int) -> None:
    shown = fold(log).lines(now, size)
    assert sum(each.status is Status.USABLE for each in shown) <= size
    assert sum(each.status is Status.CANCELED for each in shown) <= size
    assert len({each.id for each in shown}) == len(shown)


def test_five_withdrawals_in_a_row_do_not_empty_the_board() -> None:
    board = board_of(*(line(number) for number in range(1, 16)))
    for number in range(11, 16):
        board.apply(reader_entry(withdrawn(number)))
    shown = board.lines(NOW, 10)
    assert numbers(shown) == list(range(15, 0, -1))
    assert [each.number for each in shown if each.text] == list(range(10, 0, -1))


def test_there_are_at_most_as_many_notices_as_lines() -> None:
    board = board_of(line(1), *(withdrawn(number) for number in range(2, 30)))
    assert numbers(board.lines(NOW, 3)) == [29, 28, 27, 1]


def test_the_newest_notices_show_as_many_as_the_edition_allows() -> None:
    board = board_of(line(1), *(withdrawn(number) for number in range(2, 30)))
    assert numbers(board.lines(NOW, 10, notices=2)) == [29, 28, 1]
    assert numbers(board.lines(NOW, 10, notices=0)) == [1]
    assert numbers(board.lines(NOW, 1, notices=2)) == [29, 1]


def test_a_notice_below_the_last_line_is_not_shown() -> None:
    board = board_of(withdrawn(1), line(2), line(3))
    assert numbers(board.lines(NOW, 2)) == [3, 2]


def test_a_notice_has_room_on_a_board_that_is_not_full() -> None:
    assert numbers(board_of(withdrawn(1), line(2)).lines(NOW, 2)) == [2, 1]


def test_pinned_lines_are_first_newest_first_and_count_as_lines() -> None:
    later = NOW + timedelta(hours=1)
    board = board_of(line(1, pinned_until=later), line(2), line(3, pinned_until=later), line(4), line(5))
    assert numbers(board.lines(NOW, 4)) == [3, 1, 5, 4]


def test_a_line_returns_to_its_place_when_its_pin_ends() -> None:
    end = NOW + timedelta(minutes=1)
    board = board_of(line(1, pinned_until=end), line(2))
    assert numbers(board.lines(end - timedelta(microseconds=1), 10)) == [1, 2]
    assert numbers(board.lines(end, 10)) == [2, 1]


def test_at_most_the_size_of_the_board_is_pinned() -> None:
    board = board_of(*(line(number, pinned_until=NOW + timedelta(hours=1)) for number in range(1, 5)), line(9))
    assert numbers(board.lines(NOW, 2)) == [4, 3]


def test_a_line_leaves_the_board_at_the_time_it_expires() -> None:
    end = NOW + timedelta(minutes=1)
    board = board_of(line(1), line(2, expires_at=end))
    assert numbers(board.lines(end - timedelta(microseconds=1), 10)) == [2, 1]
    assert numbers(board.lines(end, 10)) == [1]


def test_a_pinned_line_that_expires_leaves_the_board() -> None:
    board = board_of(line(1, pinned_until=NOW + timedelta(hours=1), expires_at=NOW), line(2))
    assert numbers(board.lines(NOW, 10)) == [2]


def test_an_expired_line_makes_room_for_the_next() -> None:
    end = NOW + timedelta(minutes=1)
    board = board_of(line(1), line(2), line(3, expires_at=end))
    assert numbers(board.lines(NOW, 2)) == [3, 2]
    assert numbers(board.lines(end, 2)) == [2, 1]


def test_lines_are_ordered_by_number_and_not_by_time() -> None:
    late, early = START + timedelta(days=2), START - timedelta(days=2)
    board = board_of(line(2, created_at=early, updated_at=early), line(1, created_at=late, updated_at=late))
    assert numbers(board.lines(NOW, 10)) == [2, 1]


def test_an_updated_line_stays_in_its_place() -> None:
    board = board_of(line(1), line(2), line(1, version=2, change=Change.UPDATE, text="New"))
    assert [(each.number, each.text) for each in board.lines(NOW, 10)] == [(2, "Text 2"), (1, "New")]


def test_a_version_that_is_not_newer_is_ignored() -> None:
    board = board_of(
        line(1, version=3, text="Third"), line(1, version=2, text="Second"), line(1, version=3, text="3rd")
    )
    assert [each.text for each in board.lines(NOW, 10)] == ["Third"]


def test_an_old_version_does_not_bring_back_a_withdrawn_text() -> None:
    board = board_of(withdrawn(1), line(1))
    assert [each.status for each in board.lines(NOW, 10)] == [Status.CANCELED]


def test_an_old_version_does_not_bring_back_a_pin() -> None:
    board = board_of(line(1, version=2), line(2), line(1, pinned_until=NOW + timedelta(hours=1)))
    assert numbers(board.lines(NOW, 10)) == [2, 1]


def test_a_hidden_line_is_known_but_not_visible() -> None:
    board = board_of(line(1), line(1, version=2, status=Status.WITHHELD, text=""))
    assert board.lines(NOW, 10) == []
    assert "line-1" in board
    assert len(board) == 1


def test_a_removed_line_is_unknown() -> None:
    board = board_of(line(1, pinned_until=NOW + timedelta(hours=1)), line(2))
    board.remove("line-1")
    assert numbers(board.lines(NOW, 10)) == [2]
    assert board.get("line-1") is None
    assert [entry.line.id for entry in board.newest_first()] == ["line-2"]


@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ({}, None),
        ({"expires_at": NOW}, None),
        ({"expires_at": NOW - timedelta(1)}, None),
        ({"expires_at": NOW + timedelta(2)}, NOW + timedelta(2)),
        ({"pinned_until": NOW + timedelta(2)}, NOW + timedelta(2)),
        ({"expires_at": NOW + timedelta(3), "pinned_until": NOW + timedelta(2)}, NOW + timedelta(2)),
        ({"expires_at": NOW + timedelta(3), "pinned_until": NOW - timedelta(2)}, NOW + timedelta(3)),
    ],
)
def test_the_next_change_is_the_next_end_of_a_pin_or_a_line(
    instants: dict[str, datetime], expected: datetime | None
) -> None:
    assert next_change_at([line(1), line(2, **instants)], NOW) == expected
