"""Thirty seeded fault schedules: nothing is lost, and nothing is repeated after its acknowledgement was stored."""

from __future__ import annotations

import pytest

from tests.support.relay_service_simulation import ServiceSimulation
from tests.support.relay_simulation import Simulation

KINDS = ("webhook", "mastodon", "webhook", "slack", "telegram")


def simulation_of(seed: int) -> Simulation:
    kind = KINDS[seed % len(KINDS)]
    if kind == "webhook":
        return Simulation(seed, gone=seed % 4 == 2, restores=seed % 3 == 2)
    return ServiceSimulation(seed, kind, restores=seed % 3 == 2)


@pytest.mark.parametrize("seed", range(30))
def test_no_line_is_lost_or_repeated_and_every_withdrawal_gets_a_verdict(seed: int) -> None:
    simulation = simulation_of(seed)
    simulation.run()
    assert simulation.attempts > 20
    assert simulation.deaths > 5


@pytest.mark.parametrize("seed", [9, 150, 154, 159, 164, 239])
def test_a_backup_that_is_restored_while_lines_wait_in_the_log_leaves_no_lost_text(seed: int) -> None:
    Simulation(seed, restores=True, gone=seed % 5 == 4).run()


@pytest.mark.parametrize("seed", [30, 138, 164, 444])
def test_a_history_that_comes_back_after_another_restore_leaves_no_lost_text(seed: int) -> None:
    Simulation(seed, restores=True, gone=seed % 5 == 4, returns=True).run()
