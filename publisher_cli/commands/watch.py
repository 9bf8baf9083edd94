"""`tick watch`: an edition as its readers see it, live."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publisher_cli.exit_codes import Status
from publisher_cli.options import data_option, edition_option
from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError, StoreError
from ticker.store import data_folder

if TYPE_CHECKING:
    from ticker.client.follower import Event

DEFAULT_GATEWAY = "http://127.0.0.1:8080"


@click.command(
    short_help="Show the board live.",
    epilog=examples(
        "tick watch -e en",
        "tick watch -e en --section politics --section economy --urgency 2",
        "tick watch -e en --json | jq -r 'select(.type == \"line\").line.text'",
    ),
)
@edition_option
@click.option(
    "--gateway",
    metavar="URL",
    envvar="TICKER_GATEWAY_URL",
    help="Where the gateway is.  [default: TICKER_GATEWAY_URL, or that of `ticker up`, or port 8080 here]",
)
@click.option("--section", "sections", metavar="S", multiple=True, help="Only this section; may be given repeatedly.")
@click.option("--region", "regions", metavar="R", multiple=True, help="Only this region; may be given repeatedly.")
@click.option("--urgency", metavar="N", type=click.IntRange(1, 9), help="Only lines this urgent or more.")
@click.option("-n", "--lines", type=click.IntRange(1, 100), help="How many lines the board has.")
@data_option
@shared_options
@click.pass_obj
def watch(
    console: Console,
    /,
    *,
    edition: str | None,
    gateway: str | None,
    sections: tuple[str, ...],
    regions: tuple[str, ...],
    urgency: int | None,
    lines: int | None,
    data: Path | None,
) -> Status:
    """Show an edition's board live, as its readers get it, until Ctrl-C.

    It comes back by itself after a lost connection, with every line that it missed. Where the output is no terminal, it
    is a line for each entry; with --json, each message as it came.
    """
    find = _gateway_finder(console, gateway, data)
    name = check_name(edition) if edition is not None else _only_edition(find())
    given = {
        "section": sections,
        "region": regions,
        "urgency": () if urgency is None else (str(urgency),),
        "lines": () if lines is None else (str(lines),),
    }
    query = {field: values for field, values in given.items() if values}
    gc.enable()  # `main` has switched it off, for commands that end at once
    try:
        asyncio.run(_watch(console, find, name, query))
    except KeyboardInterrupt:
        return Status.DONE
    return Status.DONE


def _gateway_finder(console: Console, given: str | None, data: Path | None) -> Callable[[], str]:
    if given is not None:
        return lambda: given
    folder = data_folder.default_data_folder(console.environ) if data is None else data
    return lambda: data_folder.gateway_url(folder) or DEFAULT_GATEWAY


def _only_edition(gateway: str) -> str:
    from ticker.client.follower import editions_at  # noqa: PLC0415 -- slow to import

    names = editions_at(gateway)
    if not names:
        raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which makes them")
    if len(names) > 1:
        raise SettingsError(f"which edition? Say -e with one of {', '.join(names)}, or set TICK_EDITION")
    return names[0]


async def _watch(console: Console, find: Callable[[], str], edition: str, query: dict[str, tuple[str, ...]]) -> None:
    from contextlib import aclosing  # noqa: PLC0415

    from publisher_cli.output.live_board import open_screen  # noqa: PLC0415
    from ticker.client.follower import follow_events  # noqa: PLC0415

    with open_screen(console, edition) as show:
        async with aclosing(follow_events(find, edition, query)) as events, asyncio.TaskGroup() as tasks:
            clock = tasks.create_task(_each_second(show))
            try:
                async for event in events:
                    show(event, datetime.now(UTC))
            finally:
                clock.cancel()


async def _each_second(show: Callable[[Event | None, datetime], None]) -> None:
    """Lines expire, pins end, and the time until the next attempt runs down, also when nothing comes."""
    while True:
        await asyncio.sleep(1)
        show(None, datetime.now(UTC))
