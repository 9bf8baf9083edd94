"""Run the fault schedules: every invariant must hold."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.run import run_schedules
from tests.faults.schedule import FIXED, LOSSY, SEEDS, Action, by_name, from_seed
from tests.support.summary import count_properties

AT_ONCE = 4
GROUPS = 5
ALL = [*FIXED, *(from_seed(seed) for seed in SEEDS)]


@pytest.fixture(autouse=True)
def no_logs_of_expected_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.CRITICAL, "websockets"), caplog.at_level(logging.CRITICAL, "asyncio"):
        yield


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("group", range(GROUPS))
async def test_every_invariant_holds_under_faults(group: int, request: pytest.FixtureRequest) -> None:
    totals = await run_schedules(ALL[group::GROUPS], AT_ONCE)
    request.node.user_properties += count_properties(totals.counts)
    assert totals.failed == [], "\n".join(map(str, totals.failed))


def test_there_are_at_least_30_schedules_with_unique_names() -> None:
    assert len({schedule.name for schedule in ALL}) == len(ALL) >= 30


def test_a_seed_always_generates_the_same_schedule() -> None:
    assert [from_seed(seed) for seed in range(50)] == [from_seed(seed) for seed in range(50)]
    assert len({str(from_seed(seed)).partition("\n")[2] for seed in range(50)}) > 40


def test_the_schedules_contain_every_action_and_fault() -> None:
    actions = {step.action for schedule in ALL for step in schedule.steps}
    assert actions == set(Action)
    faults = {step.fault for schedule in map(from_seed, range(200)) for step in schedule.steps}
    assert {"drop-replies", "delay", "cut", "half-open", "truncate"} <= faults


def test_a_schedule_has_the_command_that_runs_it_again() -> None:
    assert from_seed(17).command == "make faults SEED=17 N=1"
    assert by_name("flush").command == "make faults ONLY=flush"
    assert "flush (seed" in str(by_name("flush"))


def test_only_actions_that_remove_data_may_lose_acknowledged_lines() -> None:
    assert by_name("restored-copy").is_lossy
    assert not by_name("server-dies").is_lossy
    assert {Action.FLUSH, Action.SHORTEN, Action.RESTORE, Action.FAIL_OVER} == LOSSY
