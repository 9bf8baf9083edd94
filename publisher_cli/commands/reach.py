"""`tick reach`: show how many readers got each version of a line."""

from __future__ import annotations

from pathlib import Path

import click

from publisher_cli.options import data_option, edition_option, editor_option, line_argument
from ticker.console import Console, examples, shared_options


@click.command(
    short_help="Show how many readers have a line.",
    epilog=examples("tick reach last -e en", "tick reach k7m2 -e en --json"),
)
@line_argument
@edition_option
@editor_option
@data_option
@shared_options
@click.pass_obj
def reach(console: Console, /, *, line: str, edition: str | None, editor: str | None, data: Path | None) -> int:
    """Show how many readers got each version of a line, through how many gateways, and how fast.

    For a withdrawn line, show how many screens removed the text. Gateways report this; the newest reports are kept,
    about 1,000 per edition.
    """
    from publisher_cli.read.reach import show_reach  # noqa: PLC0415 -- it imports the Redis client

    return show_reach(console, data, edition, line, editor)
