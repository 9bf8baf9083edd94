"""One scrape has the metrics of all workers of `ticker gateway --workers`, each with the label `worker`.

Each worker serves its metrics on a Unix socket, in a folder that only its own system user can open. The worker that
answers a scrape reads those of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticker.core.errors import UNREADABLE
from ticker.metrics.families import HistogramFamily
from ticker.metrics.histograms import Native

READ_S: Final = 2.0
"""How long another worker may take to send its metrics. A scrape has 10 s by default."""


class Worker(msgspec.Struct, frozen=True):
    """The place of a worker among `count` workers. `folder` has their sockets."""

    number: int
    count: int
    folder: Path

    def socket(self, number: int) -> Path:
        return self.folder / str(number)


class _Family(msgspec.Struct, array_like=True):
    """A metric, as it is sent to another worker."""

    name: str
    text: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]
    natives: list[tuple[dict[str, str], Native]] = []


class WorkerMetrics:
    """The metrics of one worker, and the way to those of the others."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def serve(self, registry: CollectorRegistry) -> None:
        """Send this worker's metrics to every other worker that connects. Runs until cancelled."""

        def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(msgspec.msgpack.encode(_families(registry)))
            writer.close()

        path = self._worker.socket(self._worker.number)
        path.unlink(missing_ok=True)  # of an earlier process with this number
        async with await asyncio.start_unix_server(send, path) as server:
            await server.serve_forever()

    async def gather(self, registry: CollectorRegistry) -> CollectorRegistry:
        """Return the metrics of all workers. `registry` has those of this one.

        For a worker that doesn't answer, the only metric is `ticker_worker_up`, with the value 0.
        """
        numbers = range(self._worker.count)
        own = _families(registry)
        others = await asyncio.gather(*(self._read(number) for number in numbers if number != self._worker.number))
        found = [*others[: self._worker.number], own, *others[self._worker.number :]]
        return merge(found)

    async def _read(self, number: int) -> list[_Family] | None:
        with suppress(OSError, TimeoutError, *UNREADABLE):
            async with asyncio.timeout(READ_S):
                reader, writer = await asyncio.open_unix_connection(self._worker.socket(number))
                try:
                    return msgspec.msgpack.decode(await reader.read(), type=list[_Family])
                finally:
                    writer.close()
        return None


def merge(found: Sequence[list[_Family] | None]) -> CollectorRegistry:
    """Return a registry with the metrics of all workers: `found` has those of each, or None if it didn't answer."""
    merged = CollectorRegistry(auto_describe=False)
    merged.register(_Merged(found))
    return merged


class _Merged(Collector):
    """Yields the metrics of several workers: `found` has those of each, or None for one that didn't answer."""

    def __init__(self, found: Iterable[list[_Family] | None]) -> None:
        self._found = list(found)

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("ticker_worker_up", "1 if the worker answered this scrape.", labels=["worker"])
        merged: dict[str, Metric] = {}
        for number, families in enumerate(self._found):
            up.add_metric([str(number)], families is not None)
            for family in families or ():
                metric = merged.setdefault(family.name, _empty(family))
                for name, labels, value in family.samples:
                    metric.add_sample(name, {"worker": str(number), **labels}, value)
                if isinstance(metric, HistogramFamily):
                    metric.natives += [({"worker": str(number), **labels}, each) for labels, each in family.natives]
        yield up
        yield from merged.values()


def _empty(family: _Family) -> Metric:
    if family.kind == "histogram":
        return HistogramFamily(family.name, family.text)
    return Metric(family.name, family.text, family.kind)


def _families(registry: CollectorRegistry) -> list[_Family]:
    families = []
    for metric in registry.collect():
        samples = [(sample.name, sample.labels, float(sample.value)) for sample in metric.samples]
        natives = metric.natives if isinstance(metric, HistogramFamily) else []
        families.append(_Family(metric.name, metric.documentation, metric.type, samples, natives))
    return families
