"""`tick desk`, and `tick` alone on a terminal: opens the desk view."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publisher_cli.exit_codes import Status
from publisher_cli.session import Session, data_option, edition_option, editor_option
from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError

if TYPE_CHECKING:
    from publisher_cli.tui.app import DeskView


@click.command(
    short_help="Open the desk view.",
    epilog=examples("tick desk", "tick desk -e ar", "TEXTUAL_THEME=textual-light tick desk -e en --editor maha"),
)
@edition_option
@editor_option
@data_option
@shared_options
@click.pass_obj
def desk(console: Console, /, *, edition: str | None, editor: str | None, data: Path | None) -> Status:
    """Read and write an edition on one screen: the board live, and a compose line that shows the rules as you type.

    `tick` alone on a terminal opens it, too. It needs no gateway. `?` on the board, or F1, shows the keys.
    """
    return open_view(console, edition, editor, data)


def open_view(console: Console, edition: str | None, editor: str | None, data: Path | None) -> Status:
    """Run the view until the editor leaves it; what was left unsent is said, so that it isn't lost.

    Raises:
        SettingsError: If there is no terminal, or a name is none.

    """
    if not console.is_for_people or not sys.stdin.isatty():
        raise SettingsError("the desk view needs a terminal: for programs there are `tick board` and `tick watch`")
    from publisher_cli.tui.app import DeskView  # noqa: PLC0415 -- Textual takes a quarter of a second to import

    gc.enable()  # `main` has switched it off, for commands that end at once
    view = DeskView(
        lambda: Session.find(console, data),
        None if edition is None else check_name(edition),
        None if editor is None else check_name(editor),
    )
    unsent = asyncio.run(_run(view))
    if unsent:
        console.tell(f"not sent: {unsent}")
    return Status(view.return_code or Status.DONE)


async def _run(view: DeskView) -> str | None:
    """Run it on the terminal, which gets its own screen back also when we are told to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, view.end)
    # The mouse stays the terminal's: editors select and copy with it.
    return await view.run_async(mouse=False)
