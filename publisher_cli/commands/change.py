"""The commands that change a line."""

from __future__ import annotations

from typing import Final, Unpack

import click

from publisher_cli.commands.typed_change import ChangeOptions, typed_change
from publisher_cli.options import command, line_options, rewrite_options
from publisher_cli.submit.request import SubmitOptions
from ticker.console import Console
from ticker.core.line import Change

_text_argument: Final = click.argument("text", metavar="TEXT")


@command(
    "Change a line: there are new facts.",
    'tick update last "Weather office: Storm nears, ferries stop" -e en',
    "tick update k7m2 -e en --urgency 1 --section environment",
)
@line_options(click.argument("text", metavar="[TEXT]", required=False), rewrite_options)
def update(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Change a line because there are new facts: its text, or any other field.

    An empty value removes a field: --url ''.
    """
    return _submit(console, options, Change.UPDATE, typed)


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
def correct(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Correct a mistake, and explain it to readers.

    The receipt lists the lines of the same story that still show in other editions.
    """
    return _submit(console, options, Change.CORRECT, typed)


@command(
    "Fix a typing mistake without a notice.", 'tick refile last "Weather office: Storm reaches the coast at noon" -e en'
)
@line_options(_text_argument, rewrite_options)
def refile(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Fix a small error, such as a typing mistake, without telling readers.

    If the meaning changes, use `tick correct`.
    """
    return _submit(console, options, Change.REFILE, typed)


@command("Take a line back for good.", "tick withdraw last -e en --reason 'The report was wrong.'")
@line_options(
    click.option("--reason", metavar="TEXT", required=True, help="Why it is withdrawn. Readers see it."),
    click.option(
        "--forgotten",
        is_flag=True,
        help="Withdraw a line that is so old that the desk has forgotten it. Type its whole id.",
    ),
)
def withdraw(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Take a line back for good. Its text leaves every screen; a notice with the reason stays.

    The receipt shows how many screens removed it, and lists the lines of the same story that still show in other
    editions.
    """
    return _submit(console, options, Change.WITHDRAW, typed)


@command("Take a line off the board for now.", "tick hide k7m2 -e en --note 'police asked us to wait'")
@line_options()
def hide(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Take a line off the board for now, without a notice to readers. `tick unhide` puts it back."""
    return _submit(console, options, Change.HIDE, typed)


@command("Put a hidden line back on the board.", "tick unhide k7m2 -e en")
@line_options()
def unhide(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Put a hidden line back on the board."""
    return _submit(console, options, Change.UNHIDE, typed)


@command("Let a pinned line go.", "tick unpin k7m2 -e en")
@line_options()
def unpin(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Let a pinned line go back to its place by time."""
    return _submit(console, options, Change.UNPIN, typed)


@command("Keep a line on top.", "tick pin last -e en --for 90m")
@line_options(
    click.option(
        "--for", "pin", metavar="TIME", default="2h", show_default=True, help="How long (90m), or until when (16:30)."
    )
)
def pin(console: Console, /, *, options: SubmitOptions, **typed: Unpack[ChangeOptions]) -> int:
    """Keep a line on top of the board until a time, at most seven days."""
    return _submit(console, options, Change.PIN, typed)


def _submit(console: Console, options: SubmitOptions, change: Change, typed: ChangeOptions) -> int:
    from publisher_cli.submit.line_change import submit_line_change  # noqa: PLC0415 -- slow to import

    return submit_line_change(console, options, typed_change(change, **typed))
