"""The command that puts a new line on air: in a module of its own, because all the options take time to create."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Unpack

import click

from publisher_cli.commands.typed_change import NewLineOptions, read_stdin, typed_change
from publisher_cli.options import change_options, command, new_line_options, note_option
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from ticker.console import Console
from ticker.core.line import Change


@command(
    "Put a new line on air.",
    'tick post "Weather office: Storm reaches the coast at noon" -e en',
    'tick post "Polls close in Valmora" -e en --section politics --urgency 2',
    'tick post "Ferries stop until morning" -e en --expires 12h --pin 2h',
    'tick post "Parliament opens" -e en --at "tomorrow 9:00" --story opening',
    "tick post --from results.jsonl -e en --section sports",
)
@click.argument("text", metavar="TEXT", required=False)
@new_line_options
@click.option("--pin", metavar="TIME", help="Keep it on top until then: 2h, 90m.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Post the lines of a .jsonl, .csv or .txt file (-: standard input). A second run continues the first.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("jsonl", "csv", "text", "ninjs")),
    help="The format of FILE.  [default: by its name or its content]",
)
@click.option(
    "--ninjs",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Post the items of a file of IPTC ninjs 3.1, as --from FILE --format ninjs.",
)
@note_option
@change_options
def post(
    console: Console,
    /,
    *,
    text: str | None,
    source: Path | None,
    form: str | None,
    ninjs: Path | None,
    options: SubmitOptions,
    **content: Unpack[NewLineOptions],
) -> int:
    """Put a new line on air.

    TEXT is one line of plain text. `-` reads it from standard input, and so does a missing TEXT if standard input is
    not a terminal. `Who: text` becomes an attribution and a text. --pin and --expires count from the time of
    publication.
    """
    context = click.get_current_context()
    if ninjs is not None:
        if source is not None or form not in (None, "ninjs"):
            raise click.UsageError("give --ninjs FILE, or --from FILE with a --format, not both", context)
        source, form = ninjs, "ninjs"
    if source is not None:
        if text is not None:
            raise click.UsageError("give a TEXT or a FILE, not both", context)
        from publisher_cli.submit.batch import submit_file  # noqa: PLC0415 -- it imports the Redis client and all rules

        return submit_file(console, options, source, typed_change(Change.NEW, **content), form)
    if form is not None:
        raise click.UsageError("--format is for the FILE of --from", context)
    if text is None and (sys.stdin.isatty() or not (text := read_stdin())):
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    return _submit(console, options, typed_change(Change.NEW, text=text, **content))


def _submit(console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    from publisher_cli.submit.change import submit_change  # noqa: PLC0415 -- slow to import

    return submit_change(console, options, change)
