"""`ticker desk`: the desk alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from ticker.commands.options import data_option, editions_option, settings_for, settings_option, url_of_redis
from ticker.console import Console, examples, shared_options
from ticker.core.errors import SettingsError

if TYPE_CHECKING:
    from ticker.desk.desk import DeskState
    from ticker.settings import Settings


@click.command(
    epilog=examples("ticker desk", "ticker desk --editions en --settings ticker.toml --metrics 127.0.0.1:9100"),
    short_help="Run the desk alone.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve /metrics, /healthz and /readyz there; port 0 takes a free one.  [default: listen on nothing]",
)
@data_option
@editions_option
@settings_option
@shared_options
@click.pass_obj
def desk(
    console: Console,
    /,
    *,
    metrics: str | None,
    data: Path | None,
    editions: str | None,
    settings: Path | None,
) -> None:
    """Run the desk: it takes what editors submit, applies the rules, and writes the logs.

    Prints `ready` when it takes submissions, and goes on through every failure of Redis. A second desk may run at the
    same time, so that one can be restarted while the other works. It makes the editions of its settings.
    """
    import uvloop  # noqa: PLC0415 -- only what runs it pays for it

    from ticker.logs import set_up_logs  # noqa: PLC0415

    set_up_logs(console.environ)
    address = None if metrics is None else _address(metrics)
    uvloop.run(_run(console, url_of_redis(console, data), settings_for(console, settings, editions), address))


def _address(text: str) -> tuple[str, int]:
    """A host and a port from `127.0.0.1:9100` or `[::1]:9100`.

    Raises:
        SettingsError: If it is no such thing.

    """
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and parts.port is not None and parts.netloc == text and parts.username is None:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise SettingsError(f"--metrics is {text[:60]!a}: write a host and a port, like 127.0.0.1:9100")


async def _run(console: Console, url: str, settings: Settings, address: tuple[str, int] | None) -> None:
    from ticker.desk.desk import DeskState  # noqa: PLC0415
    from ticker.signals import stop_on_signals  # noqa: PLC0415
    from ticker.store.url import parse_url  # noqa: PLC0415

    parse_url(url)  # an address that is wrong stays wrong: say so now
    work = asyncio.create_task(_work(console, url, settings, address, DeskState()), name="desk")
    stop_on_signals(work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _work(
    console: Console, url: str, settings: Settings, address: tuple[str, int] | None, state: DeskState
) -> None:
    from functools import partial  # noqa: PLC0415

    from ticker.desk.desk import run_desk  # noqa: PLC0415
    from ticker.store.connection import connect  # noqa: PLC0415

    async with asyncio.TaskGroup() as tasks:
        served: str | None = None
        if address is not None:
            from ticker.desk.metrics import make_app  # noqa: PLC0415
            from ticker.http_server import bind, serve, url_of  # noqa: PLC0415

            # Before the desk has found its Redis: what watches it wants to know that it hasn't.
            listener = bind(*address, option="--metrics")
            served = url_of(listener)
            tasks.create_task(serve(make_app(state, settings.held), listener), name="metrics")
        tasks.create_task(_announce(console, state, served))
        await run_desk(partial(connect, url, role="desk"), settings, state=state)


async def _announce(console: Console, state: DeskState, served: str | None) -> None:
    await state.ready.wait()
    if console.json:
        console.give({"ready": sorted(state.editions), "metrics": served})
    else:
        console.say("ready" if served is None else f"ready {served}")
    console.out.flush()
