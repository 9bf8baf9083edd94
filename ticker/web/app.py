"""The Starlette application of a gateway: the JSON API, health, metrics, and the pages.

Live connections (`/v1/{edition}/live` and `/v1/{edition}/events`) never reach it: the gateway's server hands them to
followers before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticker.gateway.admission import Refusal
from ticker.gateway.hub import Hub
from ticker.gateway.worker_metrics import WorkerMetrics
from ticker.web.api import api_routes
from ticker.web.assets import Assets
from ticker.web.cors import Preflight
from ticker.web.documents import Documents
from ticker.web.feeds import feed_routes
from ticker.web.http_cache import COMPRESSED_MIN
from ticker.web.operations import Operations
from ticker.web.pages import make_environment, page_routes
from ticker.web.privacy import PrivateAnswers
from ticker.web.problems import failed, method_not_allowed, not_found, refused
from ticker.web.public_address import PublicAddress
from ticker.web.status import NoteProxies, StatusPage

_NOT_PACED: Final = frozenset({"/healthz", "/readyz"})
"""Cheap answers for probes, which would take a gateway that answers slowly for a dead one."""


def make_app(
    hub: Hub,
    version: str,
    collectors: Sequence[Collector] = (),
    *,
    has_metrics: bool = True,
    workers: WorkerMetrics | None = None,
    demo: bool = False,
    status_token: str | None = None,
) -> Starlette:
    """Make the application for one hub. With `has_metrics`, it has `/metrics`, which also reports `collectors`.

    `version` is the project's version: it is part of the addresses of immutable files. `workers` has the metrics of the
    other workers. With `demo`, it has the made-up article. `status_token` opens the status page.

    Raises:
        SettingsError: If the token is too short.

    """
    operations = Operations(hub, collectors, workers)
    assets = Assets(version)
    environment = make_environment(assets)
    documents = Documents(version, environment)
    status = StatusPage(hub, status_token, environment)
    routes = [
        *api_routes(hub),
        *documents.routes,
        Route("/healthz", operations.health),
        Route("/readyz", operations.ready),
        *([Route("/metrics", operations.metrics)] if has_metrics else []),
        *status.routes,
        *feed_routes(hub),
        *page_routes(hub, version=version, demo=demo, assets=assets),
    ]
    documents.describe(routes)
    return Starlette(
        routes=routes,
        middleware=_middleware(hub, status),
        exception_handlers={Refusal: refused, 404: not_found, 405: method_not_allowed, 500: failed},
    )


def _middleware(hub: Hub, status: StatusPage) -> list[Middleware]:
    """Return what every request passes, from the outside to the inside."""
    return [
        Middleware(NoteProxies, access=status.access, hub=hub),
        Middleware(PublicAddress, public_url=hub.settings.public_url, trusted=hub.trusted),
        Middleware(PrivateAnswers),  # inside: `PublicAddress` replaces the scope that handlers mark
        Middleware(NoStoreByDefault),
        Middleware(Preflight),
        Middleware(RequestPacing),
        Middleware(GZipMiddleware, minimum_size=COMPRESSED_MIN, compresslevel=6),
    ]


def make_metrics_app(hub: Hub, workers: WorkerMetrics | None = None) -> Starlette:
    """Make an application for operators only: metrics and health."""
    operations = Operations(hub, workers=workers)
    routes = [
        Route("/healthz", operations.health),
        Route("/readyz", operations.ready),
        Route("/metrics", operations.metrics),
    ]
    return Starlette(routes=routes, middleware=[Middleware(NoStoreByDefault)])


class NoStoreByDefault:
    """Middleware that adds `Cache-Control: no-store` to responses without `Cache-Control`.

    Without the header, a cache may store some errors as long as it likes, for example 404 and 410 (RFC 9111, 4.2.2).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_marked)


class RequestPacing:
    """Middleware that starts at most one request per iteration of the event loop.

    A response is computed in a single step; a page of history takes about 2 ms. Without pacing, a few hundred requests
    that arrive together would delay every follower by the sum of their steps.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._started = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in _NOT_PACED:
            await self._started.acquire()
            # Released in the next iteration, not after the response: how long that takes depends on the client.
            asyncio.get_running_loop().call_soon(self._started.release)
        await self._app(scope, receive, send)
