"""`tick desk`, and `tick` without arguments on a terminal: run the terminal application."""

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
    from publisher_cli.tui.app import DeskApp


@click.command(
    short_help="Open the terminal application.",
    epilog=examples("tick desk", "tick desk -e ar", "TEXTUAL_THEME=textual-light tick desk -e en --editor maha"),
)
@edition_option
@editor_option
@data_option
@shared_options
@click.pass_obj
def desk(console: Console, /, *, edition: str | None, editor: str | None, data: Path | None) -> Status:
    """Read and write an edition on one screen: the live board, and a compose line that checks the rules as you type.

    `tick` without arguments opens it, too. It needs no gateway. F1 shows the keys.
    """
    return run_desk(console, edition, editor, data)


def run_desk(console: Console, edition: str | None, editor: str | None, data: Path | None) -> Status:
    """Run the application until the editor quits. Print the text that was not sent, so that it isn't lost.

    Raises:
        SettingsError: If stdin or stdout isn't a terminal, or a name isn't valid.

    """
    if not console.is_for_people or not sys.stdin.isatty():
        raise SettingsError("`tick desk` needs a terminal: programs use `tick board` and `tick watch`")
    from publisher_cli.tui.app import DeskApp  # noqa: PLC0415 -- importing Textual takes a quarter of a second

    gc.enable()  # `main` disables it, because most commands end soon
    app = DeskApp(
        lambda: Session.find(console, data),
        None if edition is None else check_name(edition),
        None if editor is None else check_name(editor),
    )
    unsent = asyncio.run(_run(app))
    if unsent:
        console.tell(f"not sent: {unsent}")
    return Status(app.return_code or Status.DONE)


async def _run(app: DeskApp) -> str | None:
    """Run the application. SIGTERM and SIGHUP quit it, so that the terminal is restored."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.end)
    # Leave the mouse to the terminal: editors select and copy with it.
    return await app.run_async(mouse=False)
