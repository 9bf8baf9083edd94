"""Health and metrics, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from ticker.core.edition import in_order
from ticker.gateway.hub import Hub
from ticker.gateway.metrics import PART, make_registry
from ticker.gateway.worker_metrics import WorkerMetrics
from ticker.metrics.app import metrics_response
from ticker.web.api_response import api_response


class Health(msgspec.Struct, frozen=True):
    """The process runs, and its event loop answers."""

    status: Literal["ok"] = "ok"


class FeedState(msgspec.Struct, frozen=True):
    """An edition's newest position, or null if it isn't loaded, and why it doesn't follow its log now, or null."""

    position: str | None
    trouble: str | None


class Readiness(msgspec.Struct, frozen=True):
    """Whether readers should be sent here. `degraded`: the boards come from memory."""

    status: Literal["ready", "degraded", "loading", "draining"]
    followers: int
    editions: dict[str, FeedState]


class Operations:
    """The handlers."""

    def __init__(self, hub: Hub, collectors: Sequence[Collector] = (), workers: WorkerMetrics | None = None) -> None:
        self._hub = hub
        self._workers = workers
        self._registry = make_registry(hub, collectors, "up" if collectors else PART)

    async def health(self, request: Request) -> Response:
        """Report that the process runs and its event loop answers."""
        return api_response(request, msgspec.json.encode(Health()), {})

    async def ready(self, request: Request) -> Response:
        """Report whether readers should be sent here: 200 `ready` or `degraded` (served from memory), 503 otherwise."""
        body = _readiness(self._hub)
        code = 503 if body.status in ("loading", "draining") else 200
        return Response(msgspec.json.encode(body), code, {"Cache-Control": "no-store"}, "application/json")

    async def metrics(self, request: Request) -> Response:
        """Return the metrics in the format that the client accepts: Prometheus's text, OpenMetrics or protobuf.

        Any worker of several returns the metrics of all.
        """
        registry = self._registry if self._workers is None else await self._workers.gather(self._registry)
        return metrics_response(request, registry)


def _readiness(hub: Hub) -> Readiness:
    states = {
        name: FeedState(
            position=str(hub.channels[name].position) if name in hub.channels else None, trouble=hub.troubles.get(name)
        )
        for name in in_order(hub.channels.keys() | hub.troubles.keys())
    }
    if hub.is_draining:
        return Readiness("draining", hub.followers, states)
    if hub.is_loading:
        return Readiness("loading", hub.followers, states)
    return Readiness("degraded" if hub.troubles else "ready", hub.followers, states)
