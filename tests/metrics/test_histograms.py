"""Histograms count each value in one classic bucket and in one native bucket."""

from __future__ import annotations

from math import inf, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.metrics.histograms import SCHEMA, ZERO_THRESHOLD, Histogram, bucket_of

VALUES = st.lists(st.floats(min_value=0, max_value=1e6), max_size=60)


def native_counts(histogram: Histogram) -> dict[int, int]:
    """Return the count of each native bucket, read from the spans and deltas as Prometheus reads them."""
    native = histogram.native()
    counts: dict[int, int] = {}
    index, count, deltas = 0, 0, iter(native.deltas)
    for gap, length in native.spans:
        index += gap
        for _ in range(length):
            count += next(deltas)
            counts[index] = count
            index += 1
    assert next(deltas, None) is None
    return counts


@given(VALUES)
def test_both_kinds_of_buckets_have_every_value(values: list[float]) -> None:
    histogram = Histogram((0.1, 1.0))
    for value in values:
        histogram.observe(value)
    bounds = (0.1, 1.0, inf)
    assert histogram.cumulative() == [(bound, sum(value <= bound for value in values)) for bound in bounds]
    assert sum(native_counts(histogram).values()) + histogram.native().zero_count == len(values) == histogram.count
    assert histogram.sum == pytest.approx(sum(values))


@given(st.floats(min_value=ZERO_THRESHOLD, max_value=1e5))
def test_native_bucket_holds_the_value_within_its_bounds(value: float) -> None:
    index = bucket_of(value)
    assert index - 1 - 1e-9 <= log2(value) * 2**SCHEMA <= index + 1e-9


@pytest.mark.parametrize("power", range(-20, 17))
def test_power_of_two_is_the_inclusive_bound_of_its_bucket(power: int) -> None:
    assert bucket_of(2.0**power) == power * 2**SCHEMA


def test_number_of_native_buckets_is_bounded() -> None:
    histogram = Histogram()
    for exponent in range(-400, 400):
        histogram.observe(1.1**exponent)
    assert len(native_counts(histogram)) <= 297
    assert histogram.native().zero_count > 100


def test_negative_value_counts_as_zero() -> None:
    histogram = Histogram((0.1,))
    histogram.observe(-3.0)  # the clocks of two machines differ
    assert (histogram.sum, histogram.cumulative(), histogram.native().zero_count) == (0.0, [(0.1, 1), (inf, 1)], 1)
