"""The criteria of the soak test: memory that doesn't grow, and logs without warnings."""

from __future__ import annotations

import random

import pytest

from tests.faults.soak import trend_of, warnings_in


def noisy(growth: float, noise: float = 0.01, count: int = 180) -> list[float]:
    rng = random.Random(1)
    return [50_000 * (1 + growth * place / count + rng.gauss(0, noise)) for place in range(count)]


@pytest.mark.parametrize("growth", [-0.2, 0.0, 0.01])
def test_a_trend_within_noise_is_flat(growth: float) -> None:
    assert trend_of(noisy(growth)).is_flat


@pytest.mark.parametrize("growth", [0.06, 0.2, 2.0])
def test_a_growing_trend_is_not_flat(growth: float) -> None:
    assert not trend_of(noisy(growth)).is_flat


def test_growth_is_a_fraction_of_the_mean() -> None:
    assert trend_of(noisy(0.5, noise=0)).growth == pytest.approx(0.4, abs=0.01)  # the mean is larger than the start


@pytest.mark.parametrize(
    "line",
    ['{"event": "x", "level": "warning"}', '{"event": "x", "level": "error"}', "Traceback (most recent call last):"],
)
def test_warnings_and_foreign_lines_are_found(line: str) -> None:
    fine = '{"event": "settled", "level": "info"}'
    assert warnings_in(f"{fine}\n\n{fine}\n") == []
    assert warnings_in(f"{fine}\n{line}\n{fine}\n") == [line]
