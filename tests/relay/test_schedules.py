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
