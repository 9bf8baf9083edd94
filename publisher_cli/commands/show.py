"""The commands that only read: the board, the log, the editions, the reach and the audit."""

from __future__ import annotations

from pathlib import Path

import click

from publisher_cli.options import (
    command,
    data_option,
    editor_option,
    line_argument,
    optional_line_argument,
    read_options,
    selection_options,
)
from ticker.console import Console, shared_options


@command("Show what readers see now.", "tick board -e en", "tick board -e en --section politics -n 3 --json")
@read_options(
    selection_options,
    click.option("-n", "--lines", type=click.IntRange(1, 100), help="How many lines.  [default: as the edition says]"),
)
def board(
    console: Console,
    /,
    *,
    edition: str | None,
    lines: int | None,
    data: Path | None,
    sections: tuple[str, ...],
    regions: tuple[str, ...],
    urgency: int | None,
) -> None:
    """Show the board that readers see now, with pinned lines on top.

    Each line starts with the shortest id that other commands accept for it.
    """
    from publisher_cli.read.log import show_board  # noqa: PLC0415 -- it imports the Redis client

    show_board(console, data, edition, lines, sections=sections, regions=regions, urgency=urgency)


@command("Find lines by their words.", "tick find harbour", "tick find harbour closed -e en", "tick find ميناء -e ar")
@click.argument("words", metavar="WORD...", nargs=-1, required=True)
@read_options(
    click.option(
        "-n", "--lines", "most", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many."
    ),
)
def find(console: Console, /, *, words: tuple[str, ...], edition: str | None, most: int, data: Path | None) -> None:
    """Find the lines and the held items that have all the words, and show their ids. The newest is first.

    A word may be the beginning of a word. Case and accents make no difference. Without -e, it looks in all editions.
    Withdrawn texts are gone, and are not found.
    """
    from publisher_cli.read.find import show_found  # noqa: PLC0415 -- it imports the Redis client

    show_found(console, data, edition, " ".join(words), most)


@command(
    "Show each change, and who made it.",
    "tick log -e en",
    "tick log -e en -n 100 --json",
    "tick log -e en -n 1000 --ninjs > lines.ninjs",
)
@read_options(
    click.option("-n", "--entries", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."),
    click.option(
        "--ninjs",
        is_flag=True,
        help="Print the lines of these entries as IPTC ninjs 3.1, one object per line (with --json: an array).",
    ),
)
def log(console: Console, /, *, edition: str | None, entries: int, ninjs: bool, data: Path | None) -> None:
    """Show the newest entries of the log: each version of each line, with its editor. The newest is last.

    With --ninjs, each line is printed once, in its newest version and without notes and editors.
    """
    from publisher_cli.read import log as read  # noqa: PLC0415 -- it imports the Redis client

    if ninjs:
        read.show_ninjs(console, data, edition, entries)
    else:
        read.show_log(console, data, edition, entries)


@command("Show editions, sections and regions.", "tick editions", "tick editions --json")
@data_option
@shared_options
@click.pass_obj
def editions(console: Console, /, *, data: Path | None) -> None:
    """Show the editions, and the sections and regions that their lines can have."""
    from publisher_cli.read.log import show_editions  # noqa: PLC0415 -- it imports the Redis client

    show_editions(console, data)


@command("Show how many readers have a line.", "tick reach last -e en", "tick reach k7m2 -e en --json")
@line_argument
@read_options(editor_option)
def reach(console: Console, /, *, line: str, edition: str | None, editor: str | None, data: Path | None) -> None:
    """Show how many readers got each version of a line, through how many gateways, and how fast.

    For a withdrawn line, show how many screens removed the text. Gateways report this; the newest reports are kept,
    about 1,000 per edition.
    """
    from publisher_cli.read.reach import show_reach  # noqa: PLC0415 -- it imports the Redis client

    show_reach(console, data, edition, line, editor)


@command(
    "Show who did what, and check the log.",
    "tick audit -e en --since 2h",
    "tick audit last -e en",
    "tick audit -e en --editor omar --since 2026-11-24 --json",
)
@optional_line_argument
@read_options(
    click.option(
        "--since", metavar="TIME", help="Only what happened since: 2h (two hours ago), 14:30, 2026-11-24T14:30."
    ),
    click.option("--editor", metavar="NAME", help="Only what this editor submitted or decided."),
    click.option("-n", "--acts", "most", metavar="N", type=click.IntRange(1), help="Only the newest N acts."),
)
def audit(
    console: Console,
    /,
    *,
    line: str | None,
    edition: str | None,
    editor: str | None,
    since: str | None,
    most: int | None,
    data: Path | None,
) -> int:
    """Show each act: its editor, time, client and approval, and the text before and after.

    The acts come from the log and from the desk's receipts. They include refused, rejected, cancelled and late
    changes. Nobody can edit the receipts, and the links of the log are checked: the exit code is 1 if one fails. Don't
    publish the output: it includes withdrawn texts.
    """
    from publisher_cli.read.audit import show_audit  # noqa: PLC0415 -- it imports the Redis client

    return show_audit(console, data, edition, line=line, editor=editor, since=since, most=most)
