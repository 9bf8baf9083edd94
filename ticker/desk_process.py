"""`ticker desk` as a process: the desk, its metrics server and its signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import uvloop

from ticker.desk.desk import DeskState, run_desk
from ticker.logs import set_up_logs
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store.connection import connect
from ticker.store.url import parse_url

Ready = Callable[[Sequence[str], str | None], None]
"""Called with the names of the editions, and the URL of the metrics server if there is one."""


def run(
    url: str,
    settings: Settings,
    *,
    metrics: tuple[str, int] | None,
    environ: Mapping[str, str],
    ready: Ready,
) -> None:
    """Run the desk until a signal ends it.

    Args:
        url: The URL of the Redis.
        settings: The limits and the editions.
        metrics: Host and port for /metrics, /healthz and /readyz. None for no metrics server.
        environ: Its `TICKER_LOG_LEVEL` is the log level.
        ready: Called once, when the desk accepts submissions.

    Raises:
        TickerError: If a setting or the URL can't be used, or the metrics port can't be bound.

    """
    set_up_logs(environ)
    parse_url(url)  # an invalid URL never becomes valid: fail now, before the desk starts to retry
    uvloop.run(_run(url, settings, metrics, ready))


async def _run(url: str, settings: Settings, metrics: tuple[str, int] | None, ready: Ready) -> None:
    work = asyncio.create_task(_work(url, settings, metrics, ready), name="desk")
    stop_on_signals(work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _work(url: str, settings: Settings, metrics: tuple[str, int] | None, ready: Ready) -> None:
    state = DeskState()
    async with asyncio.TaskGroup() as tasks:
        metrics_url: str | None = None
        if metrics is not None:
            from ticker.desk.metrics import make_app  # noqa: PLC0415 -- a desk without metrics needs no HTTP server
            from ticker.http_server import bind, serve, url_of  # noqa: PLC0415

            # The server starts before the desk has found its Redis: monitoring must see a desk that is not ready.
            bound = bind(*metrics, option="--metrics")
            metrics_url = url_of(bound)
            tasks.create_task(serve(make_app(state, settings.held), bound), name="metrics")
        tasks.create_task(_announce(state, metrics_url, ready))
        await run_desk(partial(connect, url, role="desk"), settings, state=state)


async def _announce(state: DeskState, metrics_url: str | None, ready: Ready) -> None:
    await state.ready.wait()
    ready(list(state.editions), metrics_url)
