"""The metrics and health checks of the posting part, for an address of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ticker.posting.app import Posting
from ticker.posting.problems import PostingError

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


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


def make_metrics_app(posting: Posting, requests_max: int) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`."""
    registry = CollectorRegistry()
    registry.register(PostingCollector(posting, requests_max))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        try:
            await posting.inboxes.check()
        except PostingError:
            return JSONResponse({"status": "not ready"}, 503, {"Cache-Control": "no-store"})
        return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", health), Route("/readyz", ready)])
