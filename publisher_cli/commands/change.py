"""The commands that put a line on air and change it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from publisher_cli.options import change_options, command, line_options, new_line_options, note_option, rewrite_options
from publisher_cli.submit.request import ChangeRequest, SubmitOptions, content_fields
from ticker.console import Console
from ticker.core.line import Change

_text_argument: Final = click.argument("text", metavar="TEXT")

STDIN_BYTES: Final = 64 * 1024
"""Read from standard input: many times the longest text, so that the desk is the one that refuses a long text."""


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
    **content: Any,
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

        return submit_file(console, options, source, _change(Change.NEW, **content), form)
    if form is not None:
        raise click.UsageError("--format is for the FILE of --from", context)
    if text is None and (sys.stdin.isatty() or not (text := _read_stdin())):
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    return _submit(console, options, _change(Change.NEW, text=text, **content))


@command(
    "Change a line: there are new facts.",
    'tick update last "Weather office: Storm nears, ferries stop" -e en',
    "tick update k7m2 -e en --urgency 1 --section environment",
)
@line_options(click.argument("text", metavar="[TEXT]", required=False), rewrite_options)
def update(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Change a line because there are new facts: its text, or any other field.

    An empty value removes a field: --url ''.
    """
    return _submit(console, options, _change(Change.UPDATE, **typed))


@command(
    "Correct a mistake, and tell readers.",
    'tick correct k7m2 "Harbour authority: Two ferries are damaged" -e en \\',
    "    --reason 'An earlier line said three ferries.'",
)
@line_options(
    _text_argument,
    click.option("--reason", metavar="TEXT", required=True, help="What was wrong. Readers see it."),
    rewrite_options,
)
def correct(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Correct a mistake, and explain it to readers.

    The receipt lists the lines of the same story that still show in other editions.
    """
    return _submit(console, options, _change(Change.CORRECT, **typed))


@command(
    "Fix a typing mistake without a notice.", 'tick refile last "Weather office: Storm reaches the coast at noon" -e en'
)
@line_options(_text_argument, rewrite_options)
def refile(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Fix a small error, such as a typing mistake, without telling readers.

    If the meaning changes, use `tick correct`.
    """
    return _submit(console, options, _change(Change.REFILE, **typed))


@command("Take a line back for good.", "tick withdraw last -e en --reason 'The report was wrong.'")
@line_options(
    click.option("--reason", metavar="TEXT", required=True, help="Why it is withdrawn. Readers see it."),
    click.option(
        "--forgotten",
        is_flag=True,
        help="Withdraw a line that is so old that the desk has forgotten it. Type its whole id.",
    ),
)
def withdraw(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Take a line back for good. Its text leaves every screen; a notice with the reason stays.

    The receipt shows how many screens removed it, and lists the lines of the same story that still show in other
    editions.
    """
    return _submit(console, options, _change(Change.WITHDRAW, **typed))


@command("Take a line off the board for now.", "tick hide k7m2 -e en --note 'police asked us to wait'")
@line_options()
def hide(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Take a line off the board for now, without a notice to readers. `tick unhide` puts it back."""
    return _submit(console, options, _change(Change.HIDE, **typed))


@command("Put a hidden line back on the board.", "tick unhide k7m2 -e en")
@line_options()
def unhide(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Put a hidden line back on the board."""
    return _submit(console, options, _change(Change.UNHIDE, **typed))


@command("Let a pinned line go.", "tick unpin k7m2 -e en")
@line_options()
def unpin(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Let a pinned line go back to its place by time."""
    return _submit(console, options, _change(Change.UNPIN, **typed))


@command("Keep a line on top.", "tick pin last -e en --for 90m")
@line_options(
    click.option(
        "--for", "pin", metavar="TIME", default="2h", show_default=True, help="How long (90m), or until when (16:30)."
    )
)
def pin(console: Console, /, *, options: SubmitOptions, **typed: Any) -> int:
    """Keep a line on top of the board until a time, at most seven days."""
    return _submit(console, options, _change(Change.PIN, **typed))


def _submit(console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    from publisher_cli.submit.change import submit_change  # noqa: PLC0415 -- it imports the Redis client

    return submit_change(console, options, change)


def _change(
    change: Change,
    *,
    line: str | None = None,
    version: int | None = None,
    text: str | None = None,
    note: str | None = None,
    reason: str | None = None,
    forgotten: bool = False,
    **content: Any,
) -> ChangeRequest:
    """Return the change that was typed. An empty value removes a field."""
    fields, times = content_fields(**content)
    if text is not None:
        fields["text"] = _typed_or_stdin(text)
    fields |= {"note": note, "reason": reason}
    if forgotten:
        fields["forgotten"] = True
    return ChangeRequest(change=change, line=line, version=version, fields=fields, times=times)


def _typed_or_stdin(text: str) -> str:
    """Return the text, or the line on standard input if the text is `-`.

    Raises:
        UsageError: If standard input is empty or has several lines.

    """
    if text != "-":
        return text
    if not (line := _read_stdin()):
        raise click.UsageError("there is no text on standard input", click.get_current_context())
    return line


def _read_stdin() -> str:
    """Return the only line of standard input, or an empty string.

    Raises:
        UsageError: If there are several lines.

    """
    context = click.get_current_context()
    if sys.stdin.isatty():
        console = context.find_object(Console) or Console()
        console.tell("type the line and press Enter; Ctrl-C ends without posting it")
        data = sys.stdin.buffer.readline(STDIN_BYTES + 1)
    else:
        data = sys.stdin.buffer.read(STDIN_BYTES + 1)
    if len(data) > STDIN_BYTES:
        raise click.UsageError(f"standard input has more than {STDIN_BYTES:,} bytes: a line is one sentence", context)
    text = data.decode(errors="surrogateescape").strip()
    if len(lines := text.splitlines()) > 1:
        raise click.UsageError(
            f"standard input has {len(lines)} lines, and `tick post -` posts a single one: "
            "to post many, use `tick post --from - --format text`",
            context,
        )
    return text
