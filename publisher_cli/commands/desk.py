"""`tick desk`, and `tick` without arguments on a terminal: run the terminal application."""

from __future__ import annotations

import sys
from pathlib import Path

from publisher_cli.options import command, editor_option, read_options
from ticker.console import Console
from ticker.core.errors import SettingsError


@command(
    "Open the terminal application.",
    "tick desk",
    "tick desk -e ar",
    "TEXTUAL_THEME=textual-light tick desk -e en --editor maha",
)
@read_options(editor_option)
def desk(console: Console, /, *, edition: str | None, editor: str | None, data: Path | None) -> int:
    """Read and write an edition on one screen: the live board, and a compose line that checks the rules as you type.

    `tick` without arguments opens it, too. It needs no gateway. F1 shows the keys.
    """
    if not console.is_for_people or not sys.stdin.isatty():
        raise SettingsError("`tick desk` needs a terminal: scripts use `tick board` and `tick watch`")
    from publisher_cli.tui.run import run_desk  # noqa: PLC0415 -- importing Textual takes a quarter of a second

    return run_desk(console, edition, editor, data)
