"""Schedules of faults on real processes: nothing lost, nothing twice, nothing shown that was taken back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.__main__ import play_all
from tests.faults.schedule import FIXED, LOSSY, SEEDS, Do, by_name, from_seed
from tests.support.summary import count_properties

AT_ONCE = 4
GROUPS = 5
ALL = [*FIXED, *(from_seed(seed) for seed in SEEDS)]


@pytest.fixture(autouse=True)
def no_words_of_what_is_meant_to_break(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.CRITICAL, "websockets"), caplog.at_level(logging.CRITICAL, "asyncio"):
        yield


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", range(GROUPS))
async def test_every_invariant_holds_whatever_breaks(group: int, request: pytest.FixtureRequest) -> None:
    tally = await play_all(ALL[group::GROUPS], AT_ONCE, quietly=True)
    request.node.user_properties += count_properties(tally.counts)
    assert tally.failed == [], "\n".join(map(str, tally.failed))


def test_there_are_enough_schedules_and_each_has_a_name_of_its_own() -> None:
    assert len({schedule.name for schedule in ALL}) == len(ALL) >= 30


def test_a_seed_makes_the_same_schedule_every_time() -> None:
    assert [from_seed(seed) for seed in range(50)] == [from_seed(seed) for seed in range(50)]
    assert len({str(from_seed(seed)).partition("\n")[2] for seed in range(50)}) > 40


def test_every_kind_of_fault_is_in_the_set() -> None:
    done = {step.do for schedule in ALL for step in schedule.steps}
    assert done == set(Do)
    faults = {step.fault for schedule in map(from_seed, range(200)) for step in schedule.steps}
    assert {"drop-replies", "delay", "cut", "half-open", "truncate"} <= faults


def test_a_schedule_says_how_it_is_played_again() -> None:
    assert from_seed(17).again == "make faults SEED=17 N=1"
    assert by_name("flush").again == "make faults ONLY=flush"
    assert "flush (seed" in str(by_name("flush"))


def test_only_what_takes_data_away_may_lose_acknowledged_lines() -> None:
    assert by_name("restored-copy").is_lossy
    assert not by_name("server-dies").is_lossy
    assert {Do.FLUSH, Do.SHORTEN, Do.RESTORE, Do.FAIL_OVER} == LOSSY
