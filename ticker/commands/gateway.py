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
    help="The number of processes that share the port. Each has its own limits and its own metrics: /metrics is "
    "answered by the process that accepted the connection, and names its pid.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve /metrics on this address, with /healthz and /readyz, and not on --port.  [default: on --port]",
)
@data_option
@settings_option
@click.option("--shared", is_flag=True, hidden=True, help="Share the port with other processes.")
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
    shared: bool,
) -> None:
    """Run a gateway: it reads the logs and sends every change to all connected readers. It never writes a log.

    Prints `ready http://…` when it serves. After SIGTERM it closes the readers' connections over some seconds, and
    ends; after a second SIGTERM it ends immediately. Run as many gateways as you need: on one machine with --workers,
    or on several.
    """
    address = None if metrics is None else parse_address(metrics)
    url, chosen = url_of_redis(console, data), settings_for(console, settings, None)
    if workers == 1:
        _run_one(console, url, chosen, (host, port), address, shared=shared)
    elif address is not None:
        raise SettingsError("--metrics needs one process: leave out --workers, or run several gateways")
    else:
        _run_workers(console, host, port, workers, data, settings)


def _run_one(
    console: Console,
    url: str,
    settings: Settings,
    address: tuple[str, int],
    metrics: tuple[str, int] | None,
    *,
    shared: bool,
) -> None:
    from ticker.gateway_process import run  # noqa: PLC0415 -- slow to import

    run(
        url,
        settings,
        address=address,
        metrics=metrics,
        shared=shared,
        environ=console.environ,
        ready=partial(_print_ready, console),
    )


def _run_workers(console: Console, host: str, port: int, count: int, data: Path | None, settings: Path | None) -> None:
    from ticker.workers import Workers, run, worker_command  # noqa: PLC0415 -- slow to import

    workers = Workers(host, port, count, lambda chosen: worker_command(host, chosen, data, settings))
    run(workers, environ=console.environ, ready=partial(_print_ready, console))


def _print_ready(console: Console, address: str) -> None:
    console.show({"ready": address}, f"ready {address}")
