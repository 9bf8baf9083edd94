"""`ticker desk`: the desk alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticker.commands.options import data_option, editions_option, settings_for, settings_option, url_of_redis
from ticker.console import Console, examples, shared_options

if TYPE_CHECKING:
    from ticker.desk.desk import DeskState
    from ticker.settings import Settings


@click.command(
    epilog=examples("ticker desk", "ticker desk --editions en --settings ticker.toml"), short_help="Run the desk alone."
)
@data_option
@editions_option
@settings_option
@shared_options
@click.pass_obj
def desk(console: Console, /, *, data: Path | None, editions: str | None, settings: Path | None) -> None:
    """Run the desk: it takes what editors submit, applies the rules, and writes the logs.

    Prints `ready` when it takes submissions, and goes on through every failure of Redis. A second desk may run at the
    same time, so that one can be restarted while the other works. It makes the editions of its settings.
    """
    import uvloop  # noqa: PLC0415 -- only what runs it pays for it

    from ticker.logs import set_up_logs  # noqa: PLC0415

    set_up_logs(console.environ)
    uvloop.run(_run(console, url_of_redis(console, data), settings_for(console, settings, editions)))


async def _run(console: Console, url: str, settings: Settings) -> None:
    from functools import partial  # noqa: PLC0415

    from ticker.desk.desk import DeskState, run_desk  # noqa: PLC0415
    from ticker.signals import stop_on_signals  # noqa: PLC0415
    from ticker.store.connections import connect, parse_url  # noqa: PLC0415

    parse_url(url)  # an address that is wrong stays wrong: say so now
    state = DeskState()
    work = asyncio.create_task(run_desk(partial(connect, url, role="desk"), settings, state=state), name="desk")
    stop_on_signals(work.cancel)
    announcement = asyncio.create_task(_announce(console, state))
    try:
        await work
    except asyncio.CancelledError:
        return
    finally:
        announcement.cancel()


async def _announce(console: Console, state: DeskState) -> None:
    await state.ready.wait()
    if console.json:
        console.give({"ready": sorted(state.editions)})
    else:
        console.say("ready")
    console.out.flush()
