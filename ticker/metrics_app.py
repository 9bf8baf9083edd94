"""The metrics and health checks of a part, for an address of their own. Desk, relay and posting part share this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

T = TypeVar("T")

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Families: TypeAlias = Mapping[str, tuple[str, Callable[[T], float]]]
"""Metrics by name, each with its help text and its value."""


def families(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    prefix: str,
    metrics: Families[T],
    labels: Sequence[str],
    labelled: Iterable[tuple[Sequence[str], T]],
) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
    """Yield a metric family per entry of `metrics`, with one value per item of `labelled`."""
    items = list(labelled)
    for name, (text, value) in metrics.items():
        family = kind(f"{prefix}_{name}", text, labels=labels)
        for values, item in items:
            family.add_metric(values, value(item))
        yield family


def make_metrics_app(
    collector: Collector, check: Callable[[], Awaitable[tuple[bool, Mapping[str, object]]]]
) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`.

    Args:
        collector: Has the part's own metrics.
        check: Returns whether the part is ready, and further fields of the answer.

    """
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        is_ready, facts = await check()
        body = {"status": "ready" if is_ready else "not ready", **facts}
        return JSONResponse(body, 200 if is_ready else 503, {"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", health), Route("/readyz", ready)])
