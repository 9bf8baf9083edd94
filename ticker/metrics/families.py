"""Metric families from the state of a part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Final, TypeAlias, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ticker import __version__
from ticker.metrics.histograms import Histogram, Native

T = TypeVar("T")
K = TypeVar("K", str, tuple[str, str], tuple[int, str])
F = TypeVar("F", CounterMetricFamily, GaugeMetricFamily)

Families: TypeAlias = Mapping[str, tuple[str, Callable[[T], float]]]
"""Metrics by name, each with its help text and its value."""

BUILD_INFO: Final = "ticker_build_info"


Samples: TypeAlias = Iterable[tuple[Sequence[str], float]]
"""The values of the labels, and the value."""


def family(kind: type[F], name: str, text: str, labels: Sequence[str], samples: Samples) -> F:
    """Return a family with these samples."""
    made = kind(name, text, labels=labels)
    for values, number in samples:
        made.add_metric(values, number)
    return made


def families(
    kind: type[F], prefix: str, metrics: Families[T], labels: Sequence[str], labelled: Iterable[tuple[Sequence[str], T]]
) -> Iterator[F]:
    """Yield a metric family per entry of `metrics`, with one value per item of `labelled`."""
    items = list(labelled)
    for name, (text, value) in metrics.items():
        yield family(kind, f"{prefix}_{name}", text, labels, ((values, value(item)) for values, item in items))


def counted_from_zero(counts: Counter[K], known: Iterable[K]) -> list[tuple[K, int]]:
    """Return all counts, sorted, with 0 for each of the `known` labels that has none.

    A series should exist before its first event: Prometheus sees no increase in a series that begins with an event.
    """
    return sorted((dict.fromkeys(known, 0) | counts).items())


class HistogramFamily(Metric):
    """A family of histograms. `samples` are the classic ones, as the text formats have them.

    Attributes:
        label_names: The names of the labels.
        natives: The native buckets of each histogram, with its labels. Only the protobuf format has them.

    """

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, text, "histogram")
        self.natives: list[tuple[dict[str, str], Native]] = []
        self.label_names = tuple(labels)

    def add_metric(self, values: Sequence[str], histogram: Histogram) -> None:
        """Add a histogram. `values` are those of the labels."""
        labels = dict(zip(self.label_names, values, strict=True))
        for bound, count in histogram.cumulative():
            self.add_sample(f"{self.name}_bucket", {**labels, "le": _bound(bound)}, count)
        self.add_sample(f"{self.name}_count", labels, histogram.count)
        self.add_sample(f"{self.name}_sum", labels, histogram.sum)
        self.natives.append((labels, histogram.native()))


def _bound(bound: float) -> str:
    """Return a bound as prometheus_client writes it. Ours need no exponent."""
    return "+Inf" if bound == inf else repr(bound)


def build_info(part: str) -> GaugeMetricFamily:
    """Return `ticker_build_info` of a part of the system, such as `gateway`."""
    text = "Always 1: the labels have the part of the system and its version."
    return family(GaugeMetricFamily, BUILD_INFO, text, ["part", "version"], [((part, __version__), 1)])
