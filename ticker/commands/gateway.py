"""`ticker gateway`: a gateway alone, or several that share a port."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ticker.commands.options import data_option, host_option, port_option, settings_for, settings_option, url_of_redis
from ticker.console import Console, examples, shared_options
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
    help="Processes that share the port. Each has its own bounds and its own metrics: /metrics answers for the one "
    "that took the connection, named by its pid.",
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
    data: Path | None,
    settings: Path | None,
    shared: bool,
) -> int:
    """Run a gateway: it reads the logs and fans them out to every connected reader. It never writes a log.

    Prints `ready http://…` when it serves. SIGTERM lets the readers go, spread over some seconds; a second one ends it
    at once. Run as many as you need, on one machine with --workers or on several.
    """
    import uvloop  # noqa: PLC0415 -- only what runs it pays for it

    from ticker.logs import set_up_logs  # noqa: PLC0415

    set_up_logs(console.environ)
    url, chosen = url_of_redis(console, data), settings_for(console, settings, None)
    if workers == 1:
        uvloop.run(_run_one(console, url, chosen, host, port, shared=shared))
        return 0
    from ticker.workers import Workers, worker_command  # noqa: PLC0415

    crew = Workers(host, port, workers, lambda chosen_port: worker_command(host, chosen_port, data, settings))
    return uvloop.run(crew.run(lambda address: _say_ready(console, address)))


async def _run_one(console: Console, url: str, settings: Settings, host: str, port: int, *, shared: bool) -> None:
    from ticker import __version__  # noqa: PLC0415
    from ticker.gateway.server import Address, Gateway  # noqa: PLC0415
    from ticker.signals import stop_on_signals  # noqa: PLC0415
    from ticker.store.url import parse_url  # noqa: PLC0415
    from ticker.web.app import make_app  # noqa: PLC0415

    parse_url(url)  # an address that is wrong stays wrong: say so now
    one = Gateway(url, settings, Address(host, port, shared), partial(make_app, version=__version__))
    stop_on_signals(one.stop)
    await one.run(lambda: _say_ready(console, one.address))


def _say_ready(console: Console, address: str) -> None:
    if console.json:
        console.give({"ready": address})
    else:
        console.say(f"ready {address}")
    console.out.flush()
