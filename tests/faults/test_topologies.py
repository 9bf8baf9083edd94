"""Topologies of several hosts go through failures: no invariant is violated, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from scripts.topologies.hosts import TOPOLOGIES
from tests.faults.topologies.run import TrialResult
from tests.faults.topologies.trials import FAILURES, Action, Failure, make_trial, make_trials
from tests.support.summary import count_properties

ROOT: Final = Path(__file__).resolve().parents[2]
COUNT: Final = 6
RUNS: Final[Sequence[tuple[str, str, tuple[Failure, ...]]]] = (
    ("ha", "valkey", (Failure.SENTINEL_LOST,)),
    ("ha", "redis", (Failure.PARTITION,)),
    ("ha", "redis", (Failure.PRIMARY_CUT_OFF, Failure.REPLICA_LOST)),
    ("ha", "valkey", (Failure.PRIMARY_DIES, Failure.GATEWAY_LOST)),
    ("ha", "valkey", (Failure.ROLLING_RESTART, Failure.UPGRADE)),
    ("cluster", "valkey", (Failure.SLOT_MOVES,)),
)
"""Each run is a system of its own. All run at the same time: they wait most of the time, above all for Sentinels."""


async def run(topology: str, engine: str, failures: Sequence[Failure]) -> tuple[list[TrialResult], str]:
    """Run the trials of a topology in another process. Return their results and its standard error."""
    words = [word for failure in failures for word in ("--only", failure)]
    command = ["-m", "tests.faults.topologies", topology, *words, "--count", str(COUNT), "--engine", engine]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return [msgspec.json.decode(line, type=TrialResult) for line in out.splitlines()], err.decode()


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_every_invariant_holds_in_every_topology_under_every_failure(request: pytest.FixtureRequest) -> None:
    ran = await asyncio.gather(*(run(*each) for each in RUNS))
    results = [result for found, _ in ran for result in found]
    failed = [make_trial(each.topology, Failure(each.failure), each.seed) for each in results if each.violations]
    counts = {
        "trials of topologies": len(results),
        "lines lost that no editor was told are on air": sum(each.replaced for each in results),
        "failovers from slow primaries": sum(each.unplanned for each in results),
        "submissions acknowledged": sum(each.acknowledged for each in results),
        "deliveries checked": sum(each.deliveries for each in results),
        "violations": sum(len(each.violations) for each in results),
    }
    request.node.user_properties += count_properties(counts)
    report = "\n".join(f"{trial}\n  run it again: {trial.command}" for trial in failed)
    report += "\n".join(violation for each in results for violation in each.violations)
    assert not failed, report
    assert len(results) == sum(COUNT * len(failures) for _, _, failures in RUNS), "\n".join(err for _, err in ran)


def test_a_seed_always_generates_the_same_trial() -> None:
    one, other = (make_trials("ha", FAILURES["ha"], range(20)) for _ in range(2))
    assert one == other
    assert len({str(trial) for trial in one}) == len(one)


def test_every_failure_breaks_something_and_repairs_it() -> None:
    repairs = {Action.KILL: Action.START, Action.CUT_OFF: Action.REJOIN, Action.PART: Action.HEAL}
    for trial in make_trials("ha", list(Failure), range(20)):
        actions = [step.action for step in trial.steps]
        assert actions, str(trial)
        for breaking, repair in repairs.items():
            assert actions.count(breaking) == actions.count(repair), str(trial)


def test_every_trial_names_hosts_that_exist() -> None:
    for topology, failures in FAILURES.items():
        names = {host.name for host in TOPOLOGIES[topology].hosts} | {"", "primary", "replica"}
        assert {step.host for trial in make_trials(topology, failures, range(20)) for step in trial.steps} <= names


def test_a_trial_has_the_command_that_runs_it_again() -> None:
    trial = make_trial("ha", Failure.PARTITION, 17)
    assert trial.command == "make faults TOPOLOGY=ha ONLY=partition SEED=17 N=1"


def test_the_test_command_goes_through_every_failure() -> None:
    assert {failure for _, _, failures in RUNS for failure in failures} == set(Failure)
