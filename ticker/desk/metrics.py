"""The desk's metrics and its health, read from its state when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ticker.desk.desk import DeskState
from ticker.desk.worker import EditionState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Families: TypeAlias = dict[str, tuple[str, Callable[[EditionState], float]]]

_GAUGES: _Families = {
    "takes": ("1 while the desk takes what is submitted.", lambda state: state.takes),
    "fault": (
        "1 while nothing can go on air: the desk's log has the reason.",
        lambda state: bool(state.fault),
    ),
    "held": ("How much waits for its time or for another person.", lambda state: state.held),
}
_COUNTERS: _Families = {
    "repeated": ("Requests with a key that had been answered.", lambda state: state.repeated),
    "moved": ("Times that another desk was first.", lambda state: state.moved),
    "errors": ("Times that the desk had to begin again.", lambda state: state.errors),
    "dropped": ("Submissions thrown away unread (inbox_retained).", lambda state: state.dropped),
    "overdue": (
        "Times that passed while no desk was there (overdue_after_s).",
        lambda state: state.overdue,
    ),
    "glass_broken": ("Entries for which a chief went without a second person.", lambda state: state.broken_glass),
}


class DeskCollector(Collector):
    """Turns a desk's state into metric families."""

    def __init__(self, state: DeskState, held_max: int) -> None:
        self._state = state
        self._held_max = held_max

    def collect(self) -> Iterator[Metric]:
        editions = sorted(self._state.editions.items())
        for name, (text, value) in _GAUGES.items():
            gauge = GaugeMetricFamily(f"ticker_desk_{name}", text, labels=["edition"])
            for edition, state in editions:
                gauge.add_metric([edition], value(state))
            yield gauge
        for name, (text, value) in _COUNTERS.items():
            counter = CounterMetricFamily(f"ticker_desk_{name}", text, labels=["edition"])
            for edition, state in editions:
                counter.add_metric([edition], value(state))
            yield counter
        yield GaugeMetricFamily("ticker_desk_held_max", "How much may be held in an edition (held).", self._held_max)
        settled = CounterMetricFamily(
            "ticker_desk_settled", "Requests settled, by outcome.", labels=["edition", "status"]
        )
        refused = CounterMetricFamily("ticker_desk_refused", "Why it was refused, by code.", labels=["edition", "code"])
        for edition, state in editions:
            for status, count in sorted(state.outcomes.items()):
                settled.add_metric([edition, str(status)], count)
            for code, count in sorted(state.refused.items()):
                refused.add_metric([edition, code], count)
        yield settled
        yield refused


def make_app(state: DeskState, held_max: int) -> Starlette:
    """`/metrics`, `/healthz` and `/readyz` for a desk that runs alone."""
    registry = CollectorRegistry()
    registry.register(DeskCollector(state, held_max))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        editions = {name: {"takes": each.takes, "fault": each.fault} for name, each in sorted(state.editions.items())}
        body = {"status": "ready" if state.takes else "not ready", "editions": editions}
        return JSONResponse(body, 200 if state.takes else 503, {"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", health), Route("/readyz", ready)])
