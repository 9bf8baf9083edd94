"""A change from the options of a command and standard input."""

from __future__ import annotations

import sys
from typing import Final, TypedDict, Unpack

import click

from publisher_cli.submit.request import ChangeRequest, content_fields
from ticker.console import Console
from ticker.core.line import Change

STDIN_BYTES: Final = 64 * 1024
"""Read from standard input: many times the longest text, so that the desk is the one that refuses a long text."""


class ContentOptions(TypedDict, total=False):
    """The options with the content of a line: see `content_fields`."""

    section: str | None
    regions: tuple[str, ...]
    urgency: int | None
    url: str | None
    expires: str | None
    attribution: str | None
    no_split: bool
    lang: str | None
    story: str | None
    at: str | None
    embargo: str | None
    undo: str | None
    again: bool
    confirmed: bool
    pin: str | None


class NewLineOptions(ContentOptions, total=False):
    """The options of a command that posts a line."""

    note: str | None


class ChangeOptions(NewLineOptions, total=False):
    """The options of a command that changes a line: see `typed_change`."""

    line: str | None
    version: int | None
    text: str | None
    reason: str | None
    forgotten: bool


def typed_change(
    change: Change,
    *,
    line: str | None = None,
    version: int | None = None,
    text: str | None = None,
    note: str | None = None,
    reason: str | None = None,
    forgotten: bool = False,
    **content: Unpack[ContentOptions],
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
    if not (line := read_stdin()):
        raise click.UsageError("there is no text on standard input", click.get_current_context())
    return line


def read_stdin() -> str:
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
