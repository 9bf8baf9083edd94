"""A relay notices that the log was replaced while lines waited in it."""

from __future__ import annotations

from tests.support.relay_simulation import INFO, line
from ticker.core.messages import BoardMessage, LineMessage, LiveMessage
from ticker.core.position import MARK_DIGITS
from ticker.relay.history import AHEAD_MOST, History
from ticker.relay.records import RouteState


def position(seq: int, mark: str = "a") -> str:
    return f"{seq}-{mark * MARK_DIGITS}"


def read(history: History, *positions: str, is_behind: bool) -> None:
    """Read the entries at these positions."""
    for each in positions:
        seq = int(each.partition("-")[0])
        if history.accept(LineMessage(each, line(f"line-{seq}", 1, seq))):
            history.note(each, is_behind=is_behind)


def read_ahead(until: int = 5) -> RouteState:
    """Return the state of a relay that has left lines after entry 1, and read ahead until entry `until`."""
    state = RouteState(position=position(1))
    history = History(state)
    assert history.start() == position(1)
    read(history, *(position(seq) for seq in range(2, until + 1)), is_behind=True)
    assert (state.position, state.ahead) == (position(1), [position(until)])
    return state


def test_the_same_log_is_read_again_from_the_older_position() -> None:
    state = read_ahead()
    history = History(state)
    assert history.start() == position(1)
    read(history, *(position(seq) for seq in range(2, 7)), is_behind=False)
    assert (history.must_reread, state.position, state.ahead) == (False, position(6), [])


def test_a_log_that_was_replaced_and_has_grown_leads_to_a_board_also_after_a_restart() -> None:
    state = read_ahead()
    history = History(state)
    history.start()
    read(history, *(position(seq, "b") for seq in range(2, 6)), is_behind=False)
    assert history.must_reread
    assert history.start() == "5-0000000000000000"
    history = History(state)  # a restart before the board
    history.start()
    read(history, *(position(seq, "b") for seq in range(5, 7)), is_behind=False)
    assert history.must_reread
    assert history.start() == "5-0000000000000000"
    assert history.accept(BoardMessage(position(6, "b"), None, INFO, []))
    assert (history.must_reread, state.ahead) == (False, [])


def test_a_shorter_log_is_asked_for_the_position_that_was_read_ahead() -> None:
    state = read_ahead()
    history = History(state)
    history.start()
    assert not history.accept(LiveMessage(position(3), 2))
    assert history.start() == position(5)
    # A slow gateway didn't have it, and another one has: read again what was left.
    assert not history.accept(LiveMessage(position(5), 0))
    assert history.start() == position(1)
    assert history.checks == 2
    read(history, *(position(seq) for seq in range(2, 6)), is_behind=False)
    assert (state.position, state.ahead, history.checks) == (position(5), [], 0)


def test_a_reader_that_ends_early_leaves_its_own_position_to_compare() -> None:
    """A restore can bring back the first history, after the relay has applied versions of another one."""
    state = read_ahead()
    history = History(state)
    history.start()
    read(history, position(2, "b"), position(3, "b"), is_behind=True)
    assert state.ahead == [position(3, "b"), position(5)]
    history = History(state)
    history.start()
    read(history, position(2), position(3), is_behind=False)
    assert history.must_reread


def test_positions_to_compare_are_bounded() -> None:
    state = read_ahead(AHEAD_MOST + 3)
    history = History(state)
    for number in range(AHEAD_MOST):
        history = History(state)
        history.start()
        read(history, position(AHEAD_MOST + 2 - number), is_behind=True)
    assert history.must_reread
    assert state.ahead == [f"{AHEAD_MOST + 3}-0000000000000000"]
