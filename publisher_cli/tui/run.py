"""Run the terminal application."""

from __future__ import annotations

import asyncio
import gc
import signal
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from publisher_cli.exit_codes import Status
from publisher_cli.interrupt import raised_interrupts
from publisher_cli.session import Session
from publisher_cli.tui.app import DeskApp
from publisher_cli.tui.farewell import farewell
from ticker.console import Console
from ticker.core.edition import check_name
from ticker.store.login import load_last_edition, save_last_edition


def run_desk(console: Console, edition: str | None, editor: str | None, data: Path | None) -> int:
    """Run the application until the editor quits. Print the last receipts, and the text that was not sent.

    Without `edition`, it opens the edition that was used last.

    Raises:
        SettingsError: If the name of the edition or the editor is not valid.

    """
    gc.enable()  # `publisher_cli.__main__` disables it, for commands that end soon
    last = load_last_edition(console.environ)
    app = DeskApp(
        lambda: msgspec.structs.replace(Session.find(console, data), last_edition=last),
        None if edition is None else check_name(edition),
        None if editor is None else check_name(editor),
    )
    with raised_interrupts():
        unsent = asyncio.run(_run(app))
    if app.model is not None:
        save_last_edition(console.environ, app.model.name)
    for line in farewell(app.outbox, datetime.now(UTC), None if app.model is None else app.model.zone):
        console.say(line)
    if unsent:
        console.tell(f"not sent: {unsent}")
    return app.return_code or Status.DONE


async def _run(app: DeskApp) -> str | None:
    """Run the application. SIGTERM and SIGHUP quit it, so that the terminal is restored."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.end)
    # Leave the mouse to the terminal: editors select and copy with it.
    return await app.run_async(mouse=False)
