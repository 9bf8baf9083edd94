"""`ticker up`: everything in one process."""

from __future__ import annotations

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
@click.option("--demo", is_flag=True, help="Post made-up lines, as the editor `demo`.")
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

    Prints `ready http://…` when it serves. Ctrl-C lets the readers go and ends it; a second one ends it at once. With
    TICKER_REDIS_URL set, that Redis is used instead of the embedded server.
    """
    import uvloop  # noqa: PLC0415 -- only what runs it pays for it

    from ticker.gateway.server import Address  # noqa: PLC0415
    from ticker.logs import set_up_logs  # noqa: PLC0415
    from ticker.system import System  # noqa: PLC0415

    set_up_logs(console.environ)
    system = System(
        settings_for(console, settings, editions),
        Address(host, port),
        data=data_folder(console, data),
        url=url_of_redis(console, data) if console.environ.get("TICKER_REDIS_URL") else None,
        demo=demo,
    )
    uvloop.run(system.run(lambda url: _say_ready(console, url), lambda: _say_stopping(console)))


def _say_ready(console: Console, url: str) -> None:
    if console.json:
        console.give({"ready": url})
    else:
        console.say(f"ready {url}")
    console.out.flush()
    if console.err.isatty():
        console.tell(f"  open    {url}/")
        console.tell('  post    tick post "Text of the line" -e en      (in a second terminal)')
        console.tell("  follow  tick watch -e en")
        console.tell("  end     Ctrl-C")


def _say_stopping(console: Console) -> None:
    if console.err.isatty():
        console.tell("  letting readers go; Ctrl-C again ends it at once")
