"""The desk's metrics and health checks, computed from its state on each request."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette

from ticker.desk.desk import DeskState
from ticker.desk.state import EditionState
from ticker.metrics_app import Families, families, make_metrics_app

_GAUGES: Families[EditionState] = {
    "accepting": ("1 while the desk reads the inboxes.", lambda state: state.accepting),
    "fault": ("1 while nothing can be published: the desk's log has the reason.", lambda state: bool(state.fault)),
    "held": ("Held items.", lambda state: state.held),
    "kept_lines": ("Lines known only because they still show.", lambda state: state.kept_lines),
}
_COUNTERS: Families[EditionState] = {
    "repeated": ("Requests whose key had been answered.", lambda state: state.repeated),
    "moved": ("Settlements rejected because another desk was faster.", lambda state: state.moved),
    "errors": ("Restarts of the desk after a failure.", lambda state: state.errors),
    "dropped": ("Requests deleted unread (inbox_retained).", lambda state: state.dropped),
    "overdue": ("Held items that were due while no desk was running (overdue_after_s).", lambda state: state.overdue),
    "break_glass": ("Entries published by a chief without a second person.", lambda state: state.break_glass),
}


class DeskCollector(Collector):
    """Converts a desk's state to metric families."""

    def __init__(self, state: DeskState, held_max: int) -> None:
        self._state = state
        self._held_max = held_max

    def collect(self) -> Iterator[Metric]:
        editions = sorted(self._state.editions.items())
        labelled = [([name], state) for name, state in editions]
        yield from families(GaugeMetricFamily, "ticker_desk", _GAUGES, ["edition"], labelled)
        yield from families(CounterMetricFamily, "ticker_desk", _COUNTERS, ["edition"], labelled)
        yield GaugeMetricFamily("ticker_desk_held_max", "Most held items of an edition (setting held).", self._held_max)
        settled = CounterMetricFamily(
            "ticker_desk_settled", "Settled requests, by status.", labels=["edition", "status"]
        )
        refused = CounterMetricFamily(
            "ticker_desk_refused", "Refusals, by the code of the rule or limit.", labels=["edition", "code"]
        )
        for edition, state in editions:
            for status, count in sorted(state.outcomes.items()):
                settled.add_metric([edition, str(status)], count)
            for code, count in sorted(state.refused.items()):
                refused.add_metric([edition, code], count)
        yield settled
        yield refused


def make_app(state: DeskState, held_max: int) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`, for a desk in a process of its own."""

    async def check() -> tuple[bool, dict[str, object]]:
        editions = {
            name: {"accepting": each.accepting, "fault": each.fault} for name, each in sorted(state.editions.items())
        }
        return state.is_ready, {"editions": editions}

    return make_metrics_app(DeskCollector(state, held_max), check)
