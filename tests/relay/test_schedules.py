"""Thirty seeded fault schedules: nothing is lost, and nothing is repeated after its acknowledgement was stored."""

from __future__ import annotations

import pytest

from tests.support.relay_simulation import Simulation


@pytest.mark.parametrize("seed", range(30))
def test_no_line_is_lost_or_repeated_and_every_withdrawal_gets_a_verdict(seed: int) -> None:
    simulation = Simulation(seed, gone=seed % 5 == 4, restores=seed % 3 == 2)
    simulation.run()
    assert simulation.attempts > 20
    assert simulation.deaths > 5
