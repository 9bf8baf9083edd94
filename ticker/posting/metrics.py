"""The metrics and health checks of the posting part, for an address of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette

from ticker.metrics.app import make_metrics_app
from ticker.metrics.families import counted_from_zero, family
from ticker.metrics.registry import make_registry
from ticker.posting.app import Posting
from ticker.posting.problems import PROBLEMS, PostingError

_ANSWERS: Final = (
    *((status, "") for status in (200, 201, 202)),
    *((status, code) for code, kind in PROBLEMS.items() for status in kind.statuses),
)
"""Every answer: an HTTP status, and the code of the problem or an empty one."""


class PostingCollector(Collector):
    """Converts the state of the posting part to metric families."""

    def __init__(self, posting: Posting, requests_max: int) -> None:
        self._posting = posting
        self._requests_max = requests_max

    def collect(self) -> Iterator[Metric]:
        waiting = self._posting.inboxes.waiting
        yield GaugeMetricFamily("ticker_api_waiting", "Requests that wait for the desk.", waiting)
        text = "Most requests that may wait for the desk (setting api_requests)."
        yield GaugeMetricFamily("ticker_api_waiting_max", text, self._requests_max)
        text = "Answers, by HTTP status and code of the problem."
        answers = (
            ([str(status), code], count)
            for (status, code), count in counted_from_zero(self._posting.answered, _ANSWERS)
        )
        yield family(CounterMetricFamily, "ticker_api_answers", text, ["status", "code"], answers)


def make_app(posting: Posting, requests_max: int) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`."""

    async def check() -> tuple[bool, dict[str, object]]:
        try:
            await posting.inboxes.check()
        except PostingError:
            return False, {}
        return True, {}

    registry = make_registry("api", [PostingCollector(posting, requests_max)], lambda: posting.inboxes.outages)
    return make_metrics_app(registry, check)
