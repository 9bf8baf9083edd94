"""`ticker up`: everything in one process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from ticker.commands.banner import banner, find_place, tick_program
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
from ticker.core.edition import Edition


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

    Prints `ready http://…` when it serves. On a terminal, it then prints one line for each published line and each
    refusal; elsewhere, and with --json or TICKER_LOG_FORMAT=json, it logs in JSON.

    Ctrl-C closes the readers' connections and ends it; a second Ctrl-C ends it immediately. If TICKER_REDIS_URL is set,
    that Redis replaces the embedded server.
    """
    from ticker.system import System, run  # noqa: PLC0415 -- slow to import

    folder, chosen = data_folder(console, data), settings_for(console, settings, editions)
    system = System(
        chosen,
        host,
        port,
        data=folder,
        url=url_of_redis(console, data) if console.environ.get("TICKER_REDIS_URL") else None,
        demo=demo,
    )
    run(
        system,
        environ={**console.environ, "TICKER_LOG_FORMAT": "json"} if console.json else console.environ,
        ready=partial(_print_ready, console, chosen.editions, folder, demo),
        stopping=partial(_print_stopping, console),
        show=console.tell,
    )


def _print_ready(console: Console, editions: Mapping[str, Edition], data: Path, demo: bool, url: str) -> None:
    console.show({"ready": url}, f"ready {url}")
    if console.err.isatty() and not console.json:
        for line in banner(url, editions, tick_program(), find_place(console.environ, data), demo=demo):
            console.tell(line)


def _print_stopping(console: Console) -> None:
    if console.err.isatty():
        console.tell("closing the readers' connections; press Ctrl-C again to end immediately")
