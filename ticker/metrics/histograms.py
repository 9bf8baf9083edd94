"""Histograms that count the same observations in two ways. Pure: no I/O, no clock.

A classic histogram has fixed buckets, which every Prometheus reads. A native one has buckets that grow by 9 % each
(schema 3), and needs no choice of bounds. Its definition: https://prometheus.io/docs/specs/native_histograms/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import frexp, inf
from typing import Final

import msgspec

SCHEMA: Final = 3
"""Each power of two has 2^3 native buckets."""
_PER_POWER: Final = 2**SCHEMA
_FRACTIONS: Final = tuple(0.5 * 2 ** (place / _PER_POWER) for place in range(_PER_POWER))
ZERO_THRESHOLD: Final = 2.0**-20
"""The native zero bucket has all values up to this one: about a microsecond, if the values are seconds."""
_VALUE_MAX: Final = 2.0**17
"""Larger values are counted as this one, which bounds the number of native buckets: 1.5 days, if they are seconds."""

DURATION_BOUNDS_S: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds of the classic buckets of a duration, in seconds."""


class Native(msgspec.Struct, frozen=True):
    """The buckets of a native histogram with the schema `SCHEMA`.

    Attributes:
        zero_count: Observations in the zero bucket.
        spans: Runs of buckets: the gap since the run before (for the first one, the index of its first bucket), and
            the number of buckets.
        deltas: The count of each bucket in the spans, minus the count of the one before.

    """

    zero_count: int
    spans: tuple[tuple[int, int], ...]
    deltas: tuple[int, ...]


class Histogram:
    """Counts observations. Memory is bounded: at most 297 native buckets, and one per bound.

    Attributes:
        bounds: The inclusive upper bounds of the classic buckets, ascending, without infinity.
        sum: The sum of all observations.

    """

    __slots__ = ("_counts", "_native", "_zero_count", "bounds", "sum")

    def __init__(self, bounds: Sequence[float] = DURATION_BOUNDS_S) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)
        self._native: dict[int, int] = {}  # index of a bucket → its count
        self._zero_count = 0

    def observe(self, value: float) -> None:
        """Count a value. Negative values count as 0."""
        value = max(value, 0.0)
        self.sum += value
        self._counts[bisect_left(self.bounds, value)] += 1
        if value <= ZERO_THRESHOLD:
            self._zero_count += 1
        else:
            index = bucket_of(min(value, _VALUE_MAX))
            self._native[index] = self._native.get(index, 0) + 1

    @property
    def count(self) -> int:
        """The number of observations."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return the classic buckets: each upper bound, the last one infinite, and the observations up to it."""
        return list(zip((*self.bounds, inf), accumulate(self._counts), strict=True))

    def native(self) -> Native:
        """Return the native buckets."""
        spans: list[tuple[int, int]] = []
        deltas: list[int] = []
        following, count = 0, 0
        for index, each in sorted(self._native.items()):
            if spans and index == following:
                spans[-1] = (spans[-1][0], spans[-1][1] + 1)
            else:
                spans.append((index - following, 1))
            deltas.append(each - count)
            following, count = index + 1, each
        return Native(self._zero_count, tuple(spans), tuple(deltas))


def bucket_of(value: float) -> int:
    """Return the index of the native bucket of a positive value.

    Bucket `i` has the values above 2^((i-1)/8), up to and including 2^(i/8).
    """
    fraction, exponent = frexp(value)
    return bisect_left(_FRACTIONS, fraction) + (exponent - 1) * _PER_POWER
