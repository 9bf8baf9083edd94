"""The application of a part that serves metrics and health checks on an address of their own.

Desk, relay and posting part share this.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ticker.metrics.exposition import encode


def metrics_response(request: Request, registry: CollectorRegistry) -> Response:
    """Return the metrics in the format that the client prefers."""
    body, content_type = encode(registry, ", ".join(request.headers.getlist("accept")))
    return Response(body, headers={"Content-Type": content_type})


def make_metrics_app(
    registry: CollectorRegistry, check: Callable[[], Awaitable[tuple[bool, Mapping[str, object]]]]
) -> Starlette:
    """Return the application with `/metrics`, `/healthz` and `/readyz`.

    Args:
        registry: Has the metrics.
        check: Returns whether the part is ready, and further fields of the answer.

    """

    async def metrics(request: Request) -> Response:
        return metrics_response(request, registry)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        is_ready, facts = await check()
        body = {"status": "ready" if is_ready else "not ready", **facts}
        return JSONResponse(body, 200 if is_ready else 503, {"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", health), Route("/readyz", ready)])
