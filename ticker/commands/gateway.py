"""`ticker gateway`: a gateway alone, or several that share a port."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ticker.commands.options import (
    data_option,
    host_option,
    parse_address,
    port_option,
    settings_for,
    settings_option,
    url_of_redis,
)
from ticker.console import Console, examples, shared_options
from ticker.core.errors import SettingsError
from ticker.settings import Settings


@click.command(
    epilog=examples("ticker gateway --host 0.0.0.0", "ticker gateway --host 0.0.0.0 --workers 4"),
    short_help="Run a gateway alone.",
)
@host_option
@port_option
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="The number of processes that share the port. Each has its own limits. /metrics has the metrics of all.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve /metrics on this address, with /healthz and /readyz, and not on --port.  [default: on --port]",
)
@data_option
@settings_option
@click.option(
    "--worker",
    type=(int, int, click.Path(path_type=Path)),
    hidden=True,
    help="Be a worker: its number, the number of workers, and the folder of their sockets.",
)
@shared_options
@click.pass_obj
def gateway(
    console: Console,
    /,
    *,
    host: str,
    port: int,
    workers: int,
    metrics: str | None,
    data: Path | None,
    settings: Path | None,
    worker: tuple[int, int, Path] | None,
) -> None:
    """Run a gateway: it reads the logs and sends every change to all connected readers. It never writes a log.

    Prints `ready http://…` when it serves. After SIGTERM it closes the readers' connections over some seconds, and
    ends; after a second SIGTERM it ends immediately. Run as many gateways as you need: on one machine with --workers,
    or on several.
    """
    address = None if metrics is None else parse_address(metrics)
    url, chosen = url_of_redis(console, data), settings_for(console, settings, None)
    if workers == 1:
        _run_one(console, url, chosen, (host, port), address, worker)
    elif address is not None and not address[1]:
        raise SettingsError("--metrics needs a port with --workers: 0 would choose another one for each worker")
    else:
        words = [("--metrics", metrics), ("--data", data), ("--settings", settings)]
        _run_workers(console, host, port, workers, [(name, str(value)) for name, value in words if value is not None])


def _run_one(
    console: Console,
    url: str,
    settings: Settings,
    address: tuple[str, int],
    metrics: tuple[str, int] | None,
    worker: tuple[int, int, Path] | None,
) -> None:
    from ticker.gateway_process import run  # noqa: PLC0415 -- slow to import

    run(
        url,
        settings,
        address=address,
        metrics=metrics,
        worker=worker,
        environ=console.environ,
        ready=partial(_print_ready, console),
    )


def _run_workers(console: Console, host: str, port: int, count: int, options: list[tuple[str, str]]) -> None:
    from ticker.workers import Workers, run  # noqa: PLC0415 -- slow to import

    workers = Workers(host, port, count, options)
    run(workers, environ=console.environ, ready=partial(_print_ready, console))


def _print_ready(console: Console, address: str) -> None:
    console.show({"ready": address}, f"ready {address}")
