"""The relay's metrics and health checks, computed from its routes on each request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from ticker.relay.route import Route

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LABELS: Final = ["receiver", "edition"]
_Families: TypeAlias = dict[str, tuple[str, Callable[[Route], float]]]


def _age_s(route: Route) -> float:
    oldest = route.plan.oldest_pending_at
    return 0.0 if oldest is None else max(0.0, time.time() - oldest)


_GAUGES: Final[_Families] = {
    "pending": ("Deliveries that wait for the receiver.", lambda route: route.plan.pending),
    "parked": ("Deliveries that were given up (relay_give_up_s).", lambda route: route.plan.parked),
    "disabled": ("1 if the receiver wants no more messages.", lambda route: route.plan.state.disabled is not None),
    "backlog_seconds": ("Age of the oldest delivery that waits or was given up.", _age_s),
}
_COUNTERS: Final[_Families] = {
    "attempts": ("Attempts.", lambda route: route.counts.attempts),
    "acknowledged": ("Attempts that the receiver acknowledged.", lambda route: route.counts.acknowledged),
    "failures": ("Attempts that failed.", lambda route: route.counts.failures),
}


class RelayCollector(Collector):
    """Converts the state of the routes to metric families."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    def collect(self) -> Iterator[Metric]:
        for name, (text, value) in _GAUGES.items():
            gauge = GaugeMetricFamily(f"ticker_relay_{name}", text, labels=_LABELS)
            for route in self._routes:
                gauge.add_metric([route.receiver, route.edition], value(route))
            yield gauge
        for name, (text, value) in _COUNTERS.items():
            counter = CounterMetricFamily(f"ticker_relay_{name}", text, labels=_LABELS)
            for route in self._routes:
                counter.add_metric([route.receiver, route.edition], value(route))
            yield counter
        verdicts = CounterMetricFamily(
            "ticker_relay_verdicts", "Versions that got a verdict.", labels=[*_LABELS, "verdict"]
        )
        for route in self._routes:
            for verdict, count in sorted(route.counts.verdicts.items()):
                verdicts.add_metric([route.receiver, route.edition, str(verdict)], count)
        yield verdicts


def make_app(routes: Sequence[Route]) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`."""
    registry = CollectorRegistry()
    registry.register(RelayCollector(routes))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        disabled = {f"{each.receiver}.{each.edition}": each.plan.state.disabled for each in routes}
        is_ready = not any(disabled.values())
        body = {"status": "ready" if is_ready else "not ready", "disabled": disabled}
        return JSONResponse(body, 200 if is_ready else 503, {"Cache-Control": "no-store"})

    return Starlette(routes=[Path("/metrics", metrics), Path("/healthz", health), Path("/readyz", ready)])
