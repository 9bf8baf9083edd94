"""The metrics and health checks of the posting part, for an address of their own."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette

from ticker.metrics_app import make_metrics_app
from ticker.posting.app import Posting
from ticker.posting.problems import PostingError


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
        answers = CounterMetricFamily(
            "ticker_api_answers", "Answers, by HTTP status and code of the problem.", labels=["status", "code"]
        )
        for (status, code), count in sorted(self._posting.answered.items()):
            answers.add_metric([str(status), code], count)
        yield answers


def make_app(posting: Posting, requests_max: int) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`."""

    async def check() -> tuple[bool, dict[str, object]]:
        try:
            await posting.inboxes.check()
        except PostingError:
            return False, {}
        return True, {}

    return make_metrics_app(PostingCollector(posting, requests_max), check)
