"""`tick audit`: show who did what, from the log and the receipts, and whether the log is intact."""

from __future__ import annotations

from pathlib import Path

import click

from publisher_cli.options import data_option, edition_option, optional_line_argument
from ticker.console import Console, examples, shared_options


@click.command(
    short_help="Show who did what, and check the log.",
    epilog=examples(
        "tick audit -e en --since 2h",
        "tick audit k7m2 -e en",
        "tick audit -e en --editor omar --since 2026-11-24 --json",
    ),
)
@optional_line_argument
@edition_option
@click.option("--since", metavar="TIME", help="Only what happened since: 2h (two hours ago), 14:30, 2026-11-24T14:30.")
@click.option("--editor", metavar="NAME", help="Only what this editor submitted or decided.")
@data_option
@shared_options
@click.pass_obj
def audit(
    console: Console,
    /,
    *,
    line: str | None,
    edition: str | None,
    since: str | None,
    editor: str | None,
    data: Path | None,
) -> int:
    """Show each act: its editor, time, client and approval, and the text before and after.

    The acts come from the log, whose links are checked, and from the desk's receipts, including refused, rejected,
    cancelled and late changes. Nobody can edit either. The exit code is 1 if the log is broken. Don't publish the
    output: it includes withdrawn texts.
    """
    from publisher_cli.read.audit import show_audit  # noqa: PLC0415 -- it imports the Redis client

    return show_audit(console, data, edition, line=line, editor=editor, since=since)
