"""The relay's metrics and health checks, computed from its routes on each request."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette

from ticker.metrics.app import make_metrics_app
from ticker.metrics.families import Families, families, family
from ticker.metrics.registry import make_registry
from ticker.relay.records import Verdict
from ticker.relay.route import Route

_LABELS: Final = ["receiver", "edition"]


def _age_s(route: Route) -> float:
    oldest = route.plan.oldest_pending_at
    return 0.0 if oldest is None else max(0.0, time.time() - oldest)


_GAUGES: Final[Families[Route]] = {
    "pending": ("Deliveries that wait for the receiver.", lambda route: route.plan.pending),
    "parked": ("Deliveries that were given up (relay_give_up_s).", lambda route: route.plan.parked),
    "disabled": ("1 if the receiver wants no more messages.", lambda route: route.plan.state.disabled is not None),
    "backlog_seconds": ("Age of the oldest delivery that waits or was given up.", _age_s),
}
_COUNTERS: Final[Families[Route]] = {
    "attempts": ("Attempts.", lambda route: route.counts.attempts),
    "acknowledged": ("Attempts that the receiver acknowledged.", lambda route: route.counts.acknowledged),
    "failures": ("Attempts that failed.", lambda route: route.counts.failures),
}


class RelayCollector(Collector):
    """Converts the state of the routes to metric families."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    def collect(self) -> Iterator[Metric]:
        labelled = [([route.receiver, route.edition], route) for route in self._routes]
        yield from families(GaugeMetricFamily, "ticker_relay", _GAUGES, _LABELS, labelled)
        yield from families(CounterMetricFamily, "ticker_relay", _COUNTERS, _LABELS, labelled)
        verdicts = (
            ([route.receiver, route.edition, verdict.value], route.counts.verdicts.get(verdict, 0))
            for route in self._routes
            for verdict in Verdict
        )
        text = "Versions that got a verdict."
        yield family(CounterMetricFamily, "ticker_relay_verdicts", text, [*_LABELS, "verdict"], verdicts)


def make_app(routes: Sequence[Route]) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`."""

    async def check() -> tuple[bool, dict[str, object]]:
        disabled = {f"{each.receiver}.{each.edition}": each.plan.state.disabled for each in routes}
        return not any(disabled.values()), {"disabled": disabled}

    return make_metrics_app(make_registry("relay", [RelayCollector(routes)]), check)
