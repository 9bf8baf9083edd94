from __future__ import annotations

from collections.abc import Callable

import pytest

from ticker.backoff import Backoff


def always(value: float) -> Callable[[], float]:
    return lambda: value


def test_the_longest_delay_doubles_up_to_the_maximum() -> None:
    backoff = Backoff(0.5, 5, chance=always(0))
    assert [backoff.next_s() for _ in range(6)] == [0.5, 1, 2, 4, 5, 5]


def test_reset_starts_again_with_the_first_delay() -> None:
    backoff = Backoff(0.5, 5, chance=always(0))
    assert [backoff.next_s() for _ in range(3)] == [0.5, 1, 2]
    backoff.reset()
    assert backoff.next_s() == 0.5


@pytest.mark.parametrize(("jitter", "shortest_s"), [(0, 4), (0.5, 2), (1, 0)])
def test_jitter_is_the_random_share_of_the_delay(jitter: float, shortest_s: float) -> None:
    assert Backoff(4, 4, jitter=jitter, chance=always(1)).next_s() == shortest_s
    assert Backoff(4, 4, jitter=jitter, chance=always(0)).next_s() == 4


def test_two_clients_that_failed_together_wait_for_different_times() -> None:
    assert len({Backoff(1, 1).next_s() for _ in range(5)}) == 5


def test_a_maximum_below_the_first_delay_limits_the_first_delay_too() -> None:
    assert Backoff(2, 1, chance=always(0)).next_s() == 1
