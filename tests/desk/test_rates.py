"""The rate at which one editor may publish."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from tests.support.strategies import START, Step, history
from ticker.core.entry import Entry
from ticker.core.line import Change
from ticker.desk.rates import NO_LIMIT, RateLimit, Rates

(LINE,) = history([Step(Change.NEW, 0, 0, None, (), 4, 0, None)])
AFTER_S = timedelta(seconds=1)


def entry(at: datetime, editor: str = "ann", change: Change = Change.NEW, author: str | None = None) -> Entry:
    line = msgspec.structs.replace(LINE.line, change=change, updated_at=at)
    return msgspec.structs.replace(LINE, line=line, editor=editor, author=author)


def rates(per_minute: int = 60, burst: int = 3, entries: int = 0) -> Rates:
    made = Rates(RateLimit(per_minute, burst))
    for _ in range(entries):
        made.count(entry(START))
    return made


def test_an_editor_may_publish_a_burst_and_waits_after_that() -> None:
    assert [rates(entries=count).wait_s("ann", START) for count in range(5)] == [None, None, None, 1.0, 2.0]
    assert rates(entries=5).wait_s("bob", START) is None


@pytest.mark.parametrize(("seconds", "wait_s"), [(0, 4.0), (1, 3.0), (2.5, 1.5), (4, None), (60, None)])
def test_the_wait_gets_shorter_at_the_rate(seconds: float, wait_s: float | None) -> None:
    assert rates(entries=5).wait_s("ann", START + timedelta(seconds=seconds), more=1) == wait_s


def test_an_editor_at_the_rate_never_waits() -> None:
    steady = rates()
    for second in range(500):
        at = START + second * AFTER_S
        assert steady.wait_s("ann", at) is None
        steady.count(entry(at))


def test_a_long_pause_gives_no_more_than_a_burst() -> None:
    paused = rates(entries=3)
    later = START + timedelta(hours=5)
    for _ in range(3):
        paused.count(entry(later))
    assert paused.wait_s("ann", later) == 1.0


def test_without_a_limit_nobody_waits() -> None:
    lifted = Rates(NO_LIMIT)
    for _ in range(100):
        lifted.count(entry(START))
    assert lifted.wait_s("ann", START) is None


@pytest.mark.parametrize("change", [Change.WITHDRAW, Change.HIDE])
def test_taking_back_an_own_line_does_not_count(change: Change) -> None:
    own, others = rates(entries=3), rates(entries=3)
    own.count(entry(START, change=change))
    others.count(entry(START, change=change, author="bob"))
    assert (own.wait_s("ann", START), others.wait_s("ann", START)) == (1.0, 2.0)


def test_an_editor_does_not_wait_for_a_clock_that_was_set_back() -> None:
    assert rates(entries=5).wait_s("ann", START - timedelta(days=1)) is None


@pytest.mark.parametrize("differ_s", [0.5, 10, 30])
def test_two_desks_whose_clocks_differ_apply_the_same_limit(differ_s: float) -> None:
    """Otherwise an editor could avoid the limit with requests that alternate between the desks."""
    ahead, shared = START + timedelta(seconds=differ_s), rates(burst=3)
    for _ in range(4):
        shared.count(entry(START))
        shared.count(entry(ahead))
    waits = shared.wait_s("ann", START), shared.wait_s("ann", ahead)
    drained = min(differ_s, 1.0)  # by the first change to the desk whose clock is ahead
    assert waits == (6.0 - drained + differ_s, 6.0 - drained)


def test_the_withdrawal_of_a_forgotten_line_counts() -> None:
    """An editor can withdraw any number of ids: otherwise they could fill the log without a limit."""
    flood = rates(entries=3)
    flood.count(msgspec.structs.replace(entry(START, change=Change.WITHDRAW), is_for_everyone=True))
    assert flood.wait_s("ann", START) == 2.0
