"""The window on a log: retained items, replay and resumption."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import NONCE
from ticker.core.log_window import LogWindow, Reset
from ticker.core.position import MARK_DIGITS, Position, next_link


def window(count: int, base: int = 0) -> LogWindow[int]:
    """Return a window of `count` items after `base`. Each item is its own seq."""
    log = LogWindow[int](base, link_of(base))
    for seq in range(base + 1, base + count + 1):
        log.append(link_of(seq), seq)
    return log


def link_of(seq: int) -> str:
    return next_link(NONCE, seq.to_bytes(8, "big"))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_replay_from_any_position_completes_the_log(before: int, retained: int, after: int) -> None:
    log = window(before)
    log.trim(retained)
    seen = list(range(1, log.head + 1))
    read_until = log.position
    for seq in range(before + 1, before + after + 1):
        log.append(link_of(seq), seq)
    cursor = log.resume(read_until)
    assert isinstance(cursor, int)
    assert seen + log.items(cursor, log.head) == list(range(1, before + after + 1))


@given(st.integers(0, 20), st.integers(0, 25), st.integers(0, 25))
def test_every_position_since_the_base_can_be_resumed(count: int, retained: int, seq: int) -> None:
    log = window(count)
    log.trim(retained)
    resumed = log.resume(Position.of(seq, link_of(seq)))
    if seq > count:
        assert resumed is Reset.REPLACED
    elif seq < count - retained:
        assert resumed is Reset.TRIMMED
    else:
        assert resumed == seq


@given(st.lists(st.integers(-3, 3), max_size=40))
def test_a_window_stays_contiguous(moves: list[int]) -> None:
    log, newest = window(0), 0
    for move in moves:
        if move > 0:
            for _ in range(move):
                newest += 1
                log.append(link_of(newest), newest)
        else:
            log.trim(-move)
        assert log.head == newest
        assert log.items(log.first - 1, log.head) == [log[seq] for seq in range(log.first, log.head + 1)]
        assert [log[seq] for seq in range(log.first, log.head + 1)] == list(range(log.first, newest + 1))
        assert log.position == Position.of(newest, link_of(newest))


def test_a_position_of_another_history_gives_replaced() -> None:
    assert window(5).resume(Position(3, "0" * MARK_DIGITS)) is Reset.REPLACED


def test_the_start_of_another_history_gives_replaced() -> None:
    assert window(5).resume(Position(0, "0" * MARK_DIGITS)) is Reset.REPLACED


def test_a_reader_of_an_empty_log_resumes_at_its_start() -> None:
    log = window(0)
    start = log.position
    log.append(link_of(1), 1)
    assert log.resume(start) == 0


def test_the_base_of_a_trimmed_log_is_unknown() -> None:
    log = LogWindow[int](4, None)
    log.append(link_of(5), 5)
    assert log.resume(Position.of(4, link_of(4))) is Reset.TRIMMED
    assert log.position_at(4) is None
    assert log.resume(Position.of(5, link_of(5))) == 5


def test_the_positions_of_the_base_and_of_retained_items_are_known() -> None:
    log = window(5)
    log.trim(2)
    assert [log.position_at(seq) for seq in (2, 6)] == [None, None]
    assert [str(log.position_at(seq)) for seq in (3, 5)] == [str(Position.of(seq, link_of(seq))) for seq in (3, 5)]


@pytest.mark.parametrize("seq", [0, 3, 6])
def test_an_item_outside_the_window_raises_index_error(seq: int) -> None:
    log = window(5)
    log.trim(2)
    with pytest.raises(IndexError, match=rf"entry {seq} is not in the window 4\.\.5"):
        log[seq]
    with pytest.raises(IndexError, match=rf"entry {seq} is not in the window"):
        log[seq] = 0


def test_items_after_a_trimmed_cursor_are_all_retained_items() -> None:
    log = window(5)
    log.trim(4)
    assert log.items(0, 5) == [2, 3, 4, 5]


def test_an_item_can_be_replaced() -> None:
    log = window(5, base=10)
    log[13] = -13
    assert log.items(10, 15) == [11, 12, -13, 14, 15]
    assert log.resume(Position.of(13, link_of(13))) == 13


@pytest.mark.parametrize(
    ("after", "until", "expected"), [(0, 9, [4, 5]), (4, 4, []), (3, 4, [4]), (9, 9, []), (0, 2, [])]
)
def test_items_returns_only_retained_items(after: int, until: int, expected: list[int]) -> None:
    log = window(5)
    log.trim(2)
    assert log.items(after, until) == expected
