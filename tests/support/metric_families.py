"""The metric families that the code has, with their labels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from ticker.desk.desk import DeskState
from ticker.desk.metrics import DeskCollector
from ticker.gateway.hub import Hub
from ticker.gateway.metrics import make_registry
from ticker.gateway.worker_metrics import merge
from ticker.metrics.families import HistogramFamily
from ticker.posting.app import Posting
from ticker.posting.inboxes import Inboxes
from ticker.posting.metrics import PostingCollector
from ticker.relay.metrics import RelayCollector
from ticker.settings import Settings


def registry() -> CollectorRegistry:
    """Return a registry with the metrics of every part, as in `ticker up`, but without values."""
    hub = Hub(Settings(), 1024, lambda: datetime.now(UTC), lambda: 0.5)
    posting = Posting(Inboxes("redis://127.0.0.1", 1, 1), 1, "0")
    made = make_registry(hub, [DeskCollector(DeskState(), 1), RelayCollector([]), PostingCollector(posting, 1)])
    assert isinstance(made, CollectorRegistry)
    return made


def our_families() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the name of each of our families (with `_total` for counters), its type and its labels."""
    metrics: list[Metric] = [*registry().collect(), *merge([]).collect()]
    for metric in metrics:
        if metric.name.startswith("ticker_"):
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            histogram = metric if isinstance(metric, HistogramFamily) else None
            labels = getattr(metric, "_labelnames", ()) if histogram is None else histogram.label_names
            yield name, metric.type, tuple(labels)


def series_names() -> set[str]:
    """Return the names of all series that a scrape can have, also those of the process itself."""
    names = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds"}
    for name, kind, _ in our_families():
        names |= {f"{name}{suffix}" for suffix in ("_bucket", "_count", "_sum", "")} if kind == "histogram" else {name}
    return names
