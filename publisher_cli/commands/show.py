"""The commands that show the board, the log and the editions."""

from __future__ import annotations

from pathlib import Path

import click

from publisher_cli.options import data_option, edition_option
from ticker.console import Console, examples, shared_options


@click.command(
    short_help="Show what readers see now.", epilog=examples("tick board -e en", "tick board -e en -n 3 --json")
)
@edition_option
@click.option("-n", "--lines", type=click.IntRange(1, 100), help="How many lines.  [default: as the edition says]")
@data_option
@shared_options
@click.pass_obj
def board(console: Console, /, *, edition: str | None, lines: int | None, data: Path | None) -> int:
    """Show the board that readers see now, with pinned lines on top.

    Each line starts with the shortest id that other commands accept for it.
    """
    from publisher_cli.read.log import show_board  # noqa: PLC0415 -- it imports the Redis client

    return show_board(console, data, edition, lines)


@click.command(
    short_help="Show each change, and who made it.", epilog=examples("tick log -e en", "tick log -e en -n 100 --json")
)
@edition_option
@click.option("-n", "--entries", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@data_option
@shared_options
@click.pass_obj
def log(console: Console, /, *, edition: str | None, entries: int, data: Path | None) -> int:
    """Show the newest entries of the log: each version of each line, with its editor. The newest is last."""
    from publisher_cli.read.log import show_log  # noqa: PLC0415 -- it imports the Redis client

    return show_log(console, data, edition, entries)


@click.command(
    short_help="Show editions, sections and regions.",
    epilog=examples("tick editions", "tick editions --json"),
)
@data_option
@shared_options
@click.pass_obj
def editions(console: Console, /, *, data: Path | None) -> int:
    """Show the editions, and the sections and regions that their lines can have."""
    from publisher_cli.read.log import show_editions  # noqa: PLC0415 -- it imports the Redis client

    return show_editions(console, data)
