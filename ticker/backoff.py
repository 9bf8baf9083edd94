"""Exponential backoff with jitter: how long to wait before the next retry."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """The delays between retries of one operation.

    The longest possible delay starts at `first_s`, doubles with each failure and ends at `most_s`. The share `jitter`
    of each delay is random, so that clients that failed together don't retry together.

    Args:
        first_s: The longest delay after the first failure, in seconds.
        most_s: The longest delay after any number of failures, in seconds.
        jitter: 0.5 draws from the upper half of the range, 1 from all of it.
        chance: Returns a random number from 0 to 1. Tests replace it.

    """

    def __init__(
        self, first_s: float, most_s: float, *, jitter: float = 0.5, chance: Callable[[], float] = random.random
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._jitter = jitter
        self._chance = chance
        self._longest_s = first_s

    def next_s(self) -> float:
        """Return the delay in seconds after one more failure."""
        longest_s = min(self._longest_s, self._most_s)
        self._longest_s = min(longest_s * 2, self._most_s)
        return longest_s * (1 - self._jitter * self._chance())

    def reset(self) -> None:
        """Start again with the first delay, after a success."""
        self._longest_s = self._first_s


def delay_s(
    failures: int, first_s: float, most_s: float, *, jitter: float = 0.5, chance: Callable[[], float] = random.random
) -> float:
    """Return the delay of `Backoff` after `failures` earlier failures, for callers that store the count."""
    longest_s = min(first_s * 2.0 ** min(failures, 62), most_s)
    return longest_s * (1 - jitter * chance())
