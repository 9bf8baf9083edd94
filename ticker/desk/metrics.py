"""The desk's metrics and health checks, computed from its state on each request. `docs/metrics.md` explains them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette

from ticker.core.held import Reason
from ticker.core.rules.effects import HOUSE_RULES
from ticker.core.submission import ReceiptStatus
from ticker.desk.desk import DeskState
from ticker.desk.state import EditionState
from ticker.metrics.app import make_metrics_app
from ticker.metrics.families import Families, counted_from_zero, families, family
from ticker.metrics.registry import make_registry

_GAUGES: Final[Families[EditionState]] = {
    "accepting": ("1 while the desk reads the inboxes.", lambda state: state.accepting),
    "fault": ("1 while nothing can be published: the desk's log has the reason.", lambda state: bool(state.fault)),
    "head": ("The seq of the newest entry.", lambda state: state.head),
    "kept_lines": ("Lines known only because they still show.", lambda state: state.kept_lines),
    "clock_offset_seconds": ("How far the desk's clock is ahead of Redis's.", lambda state: state.clock_offset_s),
}
_COUNTERS: Final[Families[EditionState]] = {
    "entries": ("Entries appended to the log.", lambda state: state.entries),
    "repeated": ("Requests whose key had been answered.", lambda state: state.repeated),
    "moved": ("Settlements rejected because another desk was faster.", lambda state: state.moved),
    "errors": ("Restarts of the desk after a failure.", lambda state: state.errors),
    "dropped": ("Requests deleted unread (inbox_retained).", lambda state: state.dropped),
    "overdue": ("Held items that were due while no desk was running (overdue_after_s).", lambda state: state.overdue),
    "break_glass": ("Entries published by a chief without a second person.", lambda state: state.break_glass),
}
_STATUSES: Final = (
    ReceiptStatus.ON_AIR,
    ReceiptStatus.HELD,
    ReceiptStatus.DROPPED,
    ReceiptStatus.REFUSED,
    ReceiptStatus.LATE,
)
"""Those that a desk gives: only clients use the others."""
_REFUSALS: Final = ("held", "internal", "log", "malformed", "rate", "too-big", *HOUSE_RULES)
"""The codes of refusals that are counted from 0. Others are faults in the fields of a request."""
_EFFECTS: Final = ("ask", "overridden", "refuse", "review", "warn")
_FINDINGS: Final = (
    *((rule, effect) for rule in HOUSE_RULES for effect in _EFFECTS),
    *((rule, effect) for rule in ("flash", "reporter", "withdrawal") for effect in ("overridden", "review")),
)
"""The findings that are counted from 0: house rules with every effect, and the rules about a second person."""
_EDITION: Final = ["edition"]


class DeskCollector(Collector):
    """Converts a desk's state to metric families."""

    def __init__(
        self, state: DeskState, held_max: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._state = state
        self._held_max = held_max
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        editions = [([name], state) for name, state in sorted(self._state.editions.items())]
        yield from families(GaugeMetricFamily, "ticker_desk", _GAUGES, _EDITION, editions)
        yield from families(CounterMetricFamily, "ticker_desk", _COUNTERS, _EDITION, editions)
        yield from self._collect_held(editions)
        settled = (([*name, status.value], state.outcomes[status]) for name, state in editions for status in _STATUSES)
        text = "Settled requests, by status."
        yield family(CounterMetricFamily, "ticker_desk_settled", text, ["edition", "status"], settled)
        refused = (
            ([*name, code], count)
            for name, state in editions
            for code, count in counted_from_zero(state.refused, _REFUSALS)
        )
        text = "Refusals, by the code of the rule or limit."
        yield family(CounterMetricFamily, "ticker_desk_refused", text, ["edition", "code"], refused)
        findings = (
            ([*name, *found], count)
            for name, state in editions
            for found, count in counted_from_zero(state.findings, _FINDINGS)
        )
        text = "Findings about submissions, by the rule and its effect."
        yield family(CounterMetricFamily, "ticker_desk_findings", text, ["edition", "rule", "effect"], findings)
        hits = (([*name, limit], count) for name, state in editions for limit, count in limit_hits(state).items())
        text = "Times that a limit applied, by its setting."
        yield family(CounterMetricFamily, "ticker_desk_limit_hits", text, ["edition", "limit"], hits)

    def _collect_held(self, editions: list[tuple[list[str], EditionState]]) -> Iterator[Metric]:
        counted = [(name, Counter(held.reason for held in state.held_items.all())) for name, state in editions]
        held = (([*name, reason.value], counts[reason]) for name, counts in counted for reason in Reason)
        yield family(GaugeMetricFamily, "ticker_desk_held", "Held items, by reason.", ["edition", "reason"], held)
        yield GaugeMetricFamily("ticker_desk_held_max", "Most held items of an edition (setting held).", self._held_max)
        waiting = ((name, waiting_s(state, self._clock())) for name, state in editions)
        text = "How long the oldest item has waited for a person: since it was due, or since it was submitted."
        yield family(GaugeMetricFamily, "ticker_desk_waiting_seconds", text, _EDITION, waiting)


def waiting_s(state: EditionState, now: datetime) -> float:
    """Return for how long the oldest item that waits for a person could have been published, or 0 without one.

    An item that is due later doesn't wait yet.
    """
    since = (held.due_at or held.submitted_at for held in state.held_items.all() if held.waits_for_person)
    return max(0.0, (now - min(since, default=now)).total_seconds())


def limit_hits(state: EditionState) -> dict[str, int]:
    """Return how often each limit applied to an edition's submissions, by its setting."""
    return {
        "submissions_per_minute": state.refused["rate"],
        "submission_bytes": state.refused["too-big"],
        "submission_deadline_s": state.outcomes[ReceiptStatus.LATE],
        "held": state.refused["held"],
        "inbox_retained": state.dropped,
        "overdue_after_s": state.overdue,
    }


def make_app(state: DeskState, held_max: int) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`, for a desk in a process of its own."""

    async def check() -> tuple[bool, dict[str, object]]:
        editions = {
            name: {"accepting": each.accepting, "fault": each.fault} for name, each in sorted(state.editions.items())
        }
        return state.is_ready, {"editions": editions}

    registry = make_registry("desk", [DeskCollector(state, held_max)], lambda: state.outages)
    return make_metrics_app(registry, check)
