"""`ticker up`: everything in one process."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ticker.commands.options import (
    data_folder,
    data_option,
    editions_option,
    host_option,
    port_option,
    settings_for,
    settings_option,
    url_of_redis,
)
from ticker.console import Console, examples, shared_options


@click.command(
    epilog=examples("ticker up --demo", "ticker up --port 9000 --data ~/newsroom --editions en,ar"),
    short_help="Run everything in one process.",
)
@host_option
@port_option
@data_option
@editions_option
@settings_option
@click.option("--demo", is_flag=True, help="Post invented lines, as the editor `demo`.")
@shared_options
@click.pass_obj
def up(
    console: Console,
    /,
    *,
    host: str,
    port: int,
    data: Path | None,
    editions: str | None,
    settings: Path | None,
    demo: bool,
) -> None:
    """Run everything in one process: an embedded server that keeps its data on disk, the desk, and a gateway.

    Prints `ready http://…` when it serves. Ctrl-C closes the readers' connections and ends it; a second Ctrl-C ends it
    immediately. If TICKER_REDIS_URL is set, that Redis replaces the embedded server.
    """
    from ticker.system import System, run  # noqa: PLC0415 -- slow to import

    system = System(
        settings_for(console, settings, editions),
        host,
        port,
        data=data_folder(console, data),
        url=url_of_redis(console, data) if console.environ.get("TICKER_REDIS_URL") else None,
        demo=demo,
    )
    run(
        system,
        environ=console.environ,
        ready=partial(_print_ready, console),
        stopping=partial(_print_stopping, console),
    )


def _print_ready(console: Console, url: str) -> None:
    console.show({"ready": url}, f"ready {url}")
    if console.err.isatty():
        console.tell(f"  open    {url}/")
        console.tell('  post    tick post "Text of the line" -e en      (in a second terminal)')
        console.tell("  follow  tick watch -e en")
        console.tell("  end     Ctrl-C")


def _print_stopping(console: Console) -> None:
    if console.err.isatty():
        console.tell("  closing the readers' connections; press Ctrl-C again to end immediately")
