"""`ticker gateway` as a process: the gateway, its web application and its signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import uvloop

from ticker import __version__
from ticker.gateway.metrics import make_registry
from ticker.gateway.server import Address, Gateway
from ticker.gateway.worker_metrics import Worker, WorkerMetrics
from ticker.http_server import bind, serve
from ticker.logs import set_up_logs
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store.url import parse_url, password_from
from ticker.web.app import make_app, make_metrics_app
from ticker.web.status_access import TOKEN_VARIABLE
from ticker.web.websub import WebSubPublisher


def run(
    url: str,
    settings: Settings,
    *,
    address: tuple[str, int],
    metrics: tuple[str, int] | None,
    worker: tuple[int, int, Path] | None,
    environ: Mapping[str, str],
    ready: Callable[[str], None],
) -> None:
    """Run a gateway until a signal ends it.

    Args:
        url: The URL of the Redis.
        settings: The limits.
        address: The host and the port to listen on.
        metrics: Host and port for /metrics, /healthz and /readyz. None serves /metrics on `address`.
        worker: Its number, the number of workers that share the ports, and the folder of their sockets. None if alone.
        environ: Its `TICKER_LOG_LEVEL` is the log level, its `TICKER_STATUS_TOKEN` opens the status page.
        ready: Called once, with the gateway's URL.

    Raises:
        TickerError: If a setting or the URL can't be used, or a port can't be bound.

    """
    set_up_logs(environ, is_worker=worker is not None)
    parse_url(url)  # an invalid URL never becomes valid: fail now, before the feeds start to retry
    uvloop.run(
        _run(
            url,
            settings,
            Address(*address, worker is not None),
            metrics,
            None if worker is None else Worker(*worker),
            ready,
            password_from(environ, TOKEN_VARIABLE),
        )
    )


async def _run(
    url: str,
    settings: Settings,
    address: Address,
    metrics: tuple[str, int] | None,
    worker: Worker | None,
    ready: Callable[[str], None],
    status_token: str | None,
) -> None:
    workers = None if worker is None else WorkerMetrics(worker)
    app = partial(
        make_app, version=__version__, has_metrics=metrics is None, workers=workers, status_token=status_token
    )
    gateway = Gateway(url, settings, address, app)
    stop_on_signals(gateway.stop)
    async with asyncio.TaskGroup() as tasks:
        servers: list[asyncio.Task[None]] = []
        if metrics is not None:
            bound = bind(*metrics, option="--metrics", shared=address.shared)
            servers.append(tasks.create_task(serve(make_metrics_app(gateway.hub, workers), bound), name="metrics"))
        if workers is not None:
            servers.append(tasks.create_task(workers.serve(make_registry(gateway.hub)), name="worker-metrics"))
        if settings.websub_hub is not None and settings.public_url is not None:
            publisher = WebSubPublisher(gateway.hub, settings.websub_hub, settings.public_url)
            servers.append(tasks.create_task(publisher.run(), name="websub"))
        await gateway.run(lambda: ready(gateway.address))
        for server in servers:
            server.cancel()
