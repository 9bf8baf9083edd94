"""What the soak judges by: memory that is flat within noise, and logs without a warning."""

from __future__ import annotations

import random

import pytest

from tests.faults.soak import trend_of, warnings_in


def noisy(growth: float, noise: float = 0.01, count: int = 180) -> list[float]:
    chance = random.Random(1)
    return [50_000 * (1 + growth * place / count + chance.gauss(0, noise)) for place in range(count)]


@pytest.mark.parametrize("growth", [-0.2, 0.0, 0.01])
def test_memory_that_only_wavers_is_flat(growth: float) -> None:
    assert trend_of(noisy(growth)).is_flat


@pytest.mark.parametrize("growth", [0.06, 0.2, 2.0])
def test_memory_that_grows_is_not(growth: float) -> None:
    assert not trend_of(noisy(growth)).is_flat


def test_the_growth_is_told_as_it_is() -> None:
    assert trend_of(noisy(0.5, noise=0)).growth == pytest.approx(0.4, abs=0.01)  # of the mean, which is larger


@pytest.mark.parametrize(
    "line",
    ['{"event": "x", "level": "warning"}', '{"event": "x", "level": "error"}', "Traceback (most recent call last):"],
)
def test_a_warning_is_seen(line: str) -> None:
    fine = '{"event": "settled", "level": "info"}'
    assert warnings_in(f"{fine}\n\n{fine}\n") == []
    assert warnings_in(f"{fine}\n{line}\n{fine}\n") == [line]
