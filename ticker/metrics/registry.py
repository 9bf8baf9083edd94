"""The registry of a process: the metrics of its parts, of Redis as they see it, and of the process itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticker.metrics.families import build_info, family
from ticker.outages import Outages
from ticker.redis_fault import RedisFault


class _PartCollector(Collector):
    """Collects what every part has: its version, and the state of Redis, if it uses Redis."""

    def __init__(self, part: str, outages: Callable[[], Outages] | None) -> None:
        self._part = part
        self._outages = outages

    def collect(self) -> Iterator[Metric]:
        yield build_info(self._part)
        if self._outages is None:
            return
        outages = self._outages()
        text = "0 while a part of this process can't reach Redis."
        yield GaugeMetricFamily("ticker_redis_up", text, value=not outages.is_redis_away)
        errors = (([kind.value], outages.redis_faults[kind]) for kind in RedisFault)
        text = "Failures of commands that made a part of this process start again, by their cause."
        yield family(CounterMetricFamily, "ticker_redis_errors", text, ["error"], errors)


def make_registry(
    part: str, collectors: Sequence[Collector], outages: Callable[[], Outages] | None = None
) -> CollectorRegistry:
    """Return a registry with the metrics of `collectors`, of the `part` itself, and of this process.

    `outages` returns those of the process. Leave it out for a part that uses no Redis.
    """
    registry = CollectorRegistry()
    for collector in (_PartCollector(part, outages), *collectors):
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
