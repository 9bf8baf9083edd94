"""The commands that put a line on air or change one: each makes a submission and tells what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec import UNSET, UnsetType

from publisher_cli.newsroom import data_option, edition_option, editor_option
from publisher_cli.status import Status
from publisher_cli.times import parse_instant
from ticker.console import Console, examples, shared_options
from ticker.core.line import Change

WAIT_S: Final = 10.0
WAIT_MOST_S: Final = 3600.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A change as it was typed: the line as it was named, and the fields that were given."""

    change: Change
    named: str | None = None
    version: int | None = None
    fields: dict[str, Any] = {}


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a submission is handed in: by whom, where, and what is waited for."""

    data: Path | None
    edition: str | None
    editor: str | None
    key: str
    may_repeat: bool
    wait_s: float
    wants_reach: bool


Command = Callable[..., Any]


def _manner_options(function: Command) -> Command:
    """The options of every change, handed over as one `manner`."""

    def command(
        *args: Any,
        data: Path | None,
        edition: str | None,
        editor: str | None,
        key: str | None,
        wait: float,
        reach: bool,
        **options: Any,
    ) -> Any:
        manner = Manner(
            data=data,
            edition=edition,
            editor=editor,
            key=key or _new_key(),
            may_repeat=key is not None,
            wait_s=wait,
            wants_reach=reach,
        )
        return function(*args, manner=manner, **options)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    command = shared_options(command)
    for option in reversed(
        (
            edition_option,
            editor_option,
            click.option("--key", metavar="KEY", help="The same key again never makes a second line.  [default: new]"),
            click.option(
                "--wait",
                metavar="SECONDS",
                type=click.FloatRange(0.1, WAIT_MOST_S),
                default=WAIT_S,
                show_default=True,
                help="How long a desk may take; later it is refused, never sent as if it were news.",
            ),
            click.option("--reach/--no-reach", default=True, help="Wait a moment to hear how many readers have it."),
            data_option,
        )
    ):
        command = option(command)
    return command


def _new_key() -> str:
    return f"k-{secrets.token_hex(8)}"


def _content_options(function: Command) -> Command:
    """What a line has besides its text."""
    for option in reversed(
        (
            click.option(
                "--section", metavar="S", help="A section of the edition, by id or name: see `tick editions`."
            ),
            click.option("--region", "regions", metavar="R", multiple=True, help="A region; may be given repeatedly."),
            click.option(
                "--urgency",
                metavar="N",
                type=click.IntRange(1, 9),
                help="1 flash, 2 bulletin, 3 urgent, 4 routine.  [default: 4]",
            ),
            click.option("--url", metavar="URL", help="Where there is more to read."),
            click.option("--expires", metavar="TIME", help="When it leaves the board: 2h, 90m, 2026-11-24T16:30."),
            click.option("--attribution", metavar="WHO", help="Who says it; else it is read from `Who: text`."),
            click.option("--no-split", is_flag=True, help="Leave `Who: text` as one text."),
            click.option("--lang", metavar="TAG", help="Its language, if not the edition's: en, ar, es-MX."),
        )
    ):
        function = option(function)
    return function


_note_option = click.option("--note", metavar="TEXT", help="For staff; readers never see it.")
_version_option = click.option(
    "--version",
    type=click.IntRange(1),
    metavar="N",
    help="The version that you saw: refused if there is a later one.  [default: the latest at this moment]",
)
_line_argument = click.argument("line", metavar="ID")
_text_argument = click.argument("text", metavar="TEXT")
_CLEARS = "An empty value takes a field away: --url ''."


def _content(
    *,
    text: str | None = None,
    section: str | None,
    regions: tuple[str, ...],
    urgency: int | None,
    url: str | None,
    expires: str | None,
    attribution: str | None,
    no_split: bool,
    lang: str | None,
) -> dict[str, Any]:
    """The fields of a submission for what was given; an empty value takes a field away."""
    now = datetime.now(UTC)
    given: dict[str, Any] = {
        "text": UNSET if text is None else text,
        "section": _or_none(section),
        "regions": tuple(region for region in regions if region) if regions else UNSET,
        "urgency": UNSET if urgency is None else urgency,
        "url": _or_none(url),
        "expires": parse_instant(expires, now) if expires else _or_none(expires),
        "attribution": _or_none(attribution),
        "lang": UNSET if lang is None else lang,
        "split_attribution": not no_split,
    }
    return {name: value for name, value in given.items() if value is not UNSET}


def _or_none(given: str | None) -> str | UnsetType | None:
    if given is None:
        return UNSET
    return given or None


@click.command(
    short_help="Put a new line on air.",
    epilog=examples(
        'tick post "Weather office: Storm reaches the coast at noon" -e en',
        'tick post "Polls close in Valmora" -e en --section politics --region europe --urgency 2',
        'tick post "Ferries stop until morning" -e en --expires 12h --pin 2h',
    ),
)
@_text_argument
@_content_options
@click.option("--pin", metavar="TIME", help="Keep it on top until then: 2h, 90m.")
@_note_option
@_manner_options
@click.pass_obj
def post(
    console: Console, /, *, text: str, pin: str | None, note: str | None, manner: Manner, **content: Any
) -> Status:
    """Put a new line on air.

    TEXT is one plain line. `Who: text` is read as an attribution and a text.
    """
    fields = _content(text=text, **content)
    if pin:
        fields["pinned"] = parse_instant(pin, datetime.now(UTC))
    return _send(console, manner, Asked(change=Change.NEW, fields={**fields, "note": note}))


@click.command(
    short_help="Change a line: there are new facts.",
    epilog=examples(
        'tick update last "Weather office: Storm reaches the coast, ferries stop" -e en',
        "tick update k7m2 -e en --urgency 1 --section environment",
    ),
)
@_line_argument
@click.argument("text", metavar="[TEXT]", required=False)
@_content_options
@_note_option
@_version_option
@_manner_options
@click.pass_obj
def update(
    console: Console,
    /,
    *,
    line: str,
    text: str | None,
    note: str | None,
    version: int | None,
    manner: Manner,
    **content: Any,
) -> Status:
    """Change a line because there are new facts: its text, or any other field.

    An empty value takes a field away: --url ''.
    """
    fields = {**_content(text=text, **content), "note": note}
    return _send(console, manner, Asked(change=Change.UPDATE, named=line, version=version, fields=fields))


@click.command(
    short_help="Put a mistake right, and tell readers.",
    epilog=examples(
        'tick correct k7m2 "Harbour authority: Two ferries are damaged" -e en \\',
        "    --reason 'An earlier line said three ferries.'",
    ),
)
@_line_argument
@_text_argument
@click.option("--reason", metavar="TEXT", required=True, help="What was wrong. Readers are told.")
@_content_options
@_note_option
@_version_option
@_manner_options
@click.pass_obj
def correct(
    console: Console,
    /,
    *,
    line: str,
    text: str,
    reason: str,
    note: str | None,
    version: int | None,
    manner: Manner,
    **content: Any,
) -> Status:
    """Put a mistake right, and tell readers what was wrong."""
    fields = {**_content(text=text, **content), "reason": reason, "note": note}
    return _send(console, manner, Asked(change=Change.CORRECT, named=line, version=version, fields=fields))


@click.command(
    short_help="Mend a typing mistake, quietly.",
    epilog=examples('tick refile last "Weather office: Storm reaches the coast at noon" -e en'),
)
@_line_argument
@_text_argument
@_content_options
@_note_option
@_version_option
@_manner_options
@click.pass_obj
def refile(
    console: Console, /, *, line: str, text: str, note: str | None, version: int | None, manner: Manner, **content: Any
) -> Status:
    """Mend a small error, such as a typing mistake, without telling readers.

    Where the meaning changes, use `correct`.
    """
    fields = {**_content(text=text, **content), "note": note}
    return _send(console, manner, Asked(change=Change.REFILE, named=line, version=version, fields=fields))


@click.command(
    short_help="Take a line back for good.",
    epilog=examples("tick withdraw last -e en --reason 'The report was wrong.'"),
)
@_line_argument
@click.option("--reason", metavar="TEXT", required=True, help="Why it is gone. Readers are told.")
@_note_option
@_version_option
@_manner_options
@click.pass_obj
def withdraw(
    console: Console, /, *, line: str, reason: str, note: str | None, version: int | None, manner: Manner
) -> Status:
    """Take a line back for good: its text goes from every screen, a notice with the reason stays."""
    fields = {"reason": reason, "note": note}
    return _send(console, manner, Asked(change=Change.WITHDRAW, named=line, version=version, fields=fields))


def _plain(change: Change, short_help: str, help_text: str, *lines: str) -> click.Command:
    """A command that has nothing but a line, a note and a version."""

    @click.command(str(change), short_help=short_help, help=help_text, epilog=examples(*lines))
    @_line_argument
    @_note_option
    @_version_option
    @_manner_options
    @click.pass_obj
    def command(console: Console, /, *, line: str, note: str | None, version: int | None, manner: Manner) -> Status:
        return _send(console, manner, Asked(change=change, named=line, version=version, fields={"note": note}))

    return command


hold = _plain(
    Change.HOLD,
    "Take a line off the board for now.",
    "Take a line off the board for now; `tick release` brings it back. Readers see it go without a notice.",
    "tick hold k7m2 -e en --note 'police asked us to wait'",
)
release = _plain(
    Change.RELEASE, "Bring a held line back.", "Bring a line back that was held.", "tick release k7m2 -e en"
)
unpin = _plain(
    Change.UNPIN, "Let a pinned line go.", "Let a pinned line go back to its place.", "tick unpin k7m2 -e en"
)


@click.command(short_help="Keep a line on top.", epilog=examples("tick pin last -e en --for 90m"))
@_line_argument
@click.option("--for", "until", metavar="TIME", default="2h", show_default=True, help="How long, or until when.")
@_note_option
@_version_option
@_manner_options
@click.pass_obj
def pin(console: Console, /, *, line: str, until: str, note: str | None, version: int | None, manner: Manner) -> Status:
    """Keep a line on top of the board. It ends by itself; seven days at most."""
    fields = {"pinned": parse_instant(until, datetime.now(UTC)), "note": note}
    return _send(console, manner, Asked(change=Change.PIN, named=line, version=version, fields=fields))


def _send(console: Console, manner: Manner, asked: Asked) -> Status:
    from publisher_cli.sending import send  # noqa: PLC0415 -- it imports the Redis client, which takes a tenth of a second

    return send(console, manner, asked)
