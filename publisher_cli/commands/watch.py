"""`tick watch`: show an edition live, as its readers see it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click

from publisher_cli.exit_codes import Status
from publisher_cli.interrupt import raised_interrupts
from publisher_cli.options import data_option, edition_option, selection_options
from ticker.client.access_token import token_from
from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name
from ticker.core.errors import PositionError
from ticker.core.position import Position
from ticker.store import data_folder

DEFAULT_GATEWAY = "http://127.0.0.1:8080"


def _checked_position(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    if given is not None:
        try:
            Position.parse(given)
        except PositionError as error:
            raise click.BadParameter(str(error), context, option) from error
    return given


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
    help="The gateway's address.  [default: TICKER_GATEWAY_URL, or that of `ticker up`, or http://127.0.0.1:8080]",
)
@selection_options
@click.option("-n", "--lines", type=click.IntRange(1, 100), help="The number of lines on the board.")
@click.option(
    "--after",
    metavar="POSITION",
    callback=_checked_position,
    help="Begin after this position.",
)
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
    after: str | None,
    data: Path | None,
) -> Status:
    """Show an edition's board live, as its readers see it, until Ctrl-C.

    After a lost connection it reconnects, and shows every line that it missed. If the output isn't a terminal, it
    prints one line per entry. With --json, it prints each message of the gateway. --after continues where an earlier
    one ended.

    A private edition needs a token, in TICKER_ACCESS_TOKEN or in the file that TICKER_ACCESS_TOKEN_FILE names.
    """
    from publisher_cli.output.live_board import only_edition, show_live  # noqa: PLC0415 -- slow to import

    find = _gateway_finder(console, gateway, data)
    token = token_from(console.environ)
    name = check_name(edition) if edition is not None else only_edition(find(), token() if callable(token) else token)
    given = {
        "section": sections,
        "region": regions,
        "urgency": () if urgency is None else (str(urgency),),
        "lines": () if lines is None else (str(lines),),
    }
    query = {field: values for field, values in given.items() if values}
    gc.enable()  # `publisher_cli.__main__` has disabled it, for commands that end soon
    with raised_interrupts(), suppress(KeyboardInterrupt):
        asyncio.run(show_live(console, find, name, query, after, token))
    return Status.DONE


def _gateway_finder(console: Console, given: str | None, data: Path | None) -> Callable[[], str]:
    if given is not None:
        return lambda: given
    folder = data_folder.default_data_folder(console.environ) if data is None else data
    return lambda: data_folder.gateway_url(folder) or DEFAULT_GATEWAY
