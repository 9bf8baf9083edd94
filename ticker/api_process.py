"""`ticker api` as a process: the posting part, its metrics server and its signals."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import uvloop

from ticker import __version__
from ticker.client.pending_request import GRACE_S
from ticker.core.parts import Kind, Report
from ticker.http_server import bind, make_server, serve, url_of
from ticker.logs import set_up_logs
from ticker.posting.app import Posting, make_app
from ticker.posting.inboxes import Inboxes
from ticker.posting.metrics import make_app as make_metrics_app
from ticker.posting.requests import WAIT_MAX_S
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store.connection import connect
from ticker.store.parts import TIMEOUT_S, reporting
from ticker.store.url import parse_url

SHUTDOWN_S: Final = math.ceil(WAIT_MAX_S + GRACE_S)
"""How long requests may still take after a signal: the longest deadline."""
CONNECTIONS_PER_REQUEST: Final = 4
"""How many connections there may be for each request that may wait for the desk."""


def run(
    url: str,
    settings: Settings,
    *,
    address: tuple[str, int],
    metrics: tuple[str, int] | None,
    environ: Mapping[str, str],
    ready: Callable[[str], None],
) -> None:
    """Run the posting part until a signal ends it. It then answers the requests that it has; a second signal ends it.

    Args:
        url: The URL of the Redis.
        settings: The limits.
        address: The host and the port to listen on.
        metrics: Host and port for /metrics, /healthz and /readyz, or None.
        environ: Its `TICKER_LOG_LEVEL` is the log level.
        ready: Called once, with the URL.

    Raises:
        TickerError: If a setting or the URL can't be used, or a port can't be bound.

    """
    set_up_logs(environ)
    parse_url(url)
    uvloop.run(_run(url, settings, address, metrics, ready))


async def _run(
    url: str,
    settings: Settings,
    address: tuple[str, int],
    metrics: tuple[str, int] | None,
    ready: Callable[[str], None],
) -> None:
    inboxes = Inboxes(url, settings.api_requests, settings.api_requests_per_editor)
    posting = Posting(inboxes, settings.submission_bytes, __version__)
    bound = bind(*address, option="--port")
    server = make_server(
        make_app(posting),
        on_started=lambda: ready(url_of(bound)),
        shutdown_s=SHUTDOWN_S,
        connections=settings.api_requests * CONNECTIONS_PER_REQUEST,
    )
    stop_on_signals(server.stop)
    open_client = partial(connect, url, role="api", timeout_s=TIMEOUT_S)

    def report() -> Report:
        return Report(waiting=inboxes.waiting)

    try:
        async with reporting(open_client, Kind.API, report), asyncio.TaskGroup() as tasks:
            others: list[asyncio.Task[None]] = []
            if metrics is not None:
                app = make_metrics_app(posting, settings.api_requests)
                others.append(tasks.create_task(serve(app, bind(*metrics, option="--metrics")), name="metrics"))
            with bound:
                await server.serve(sockets=[bound])
            for other in others:
                other.cancel()
    finally:
        await inboxes.close()
