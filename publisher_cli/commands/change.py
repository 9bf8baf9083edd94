"""The commands that put a line on air or change one: each makes a submission and tells what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from publisher_cli import completing
from publisher_cli.session import data_option, edition_option, editor_option
from publisher_cli.submit.request import WAIT_MAX_S, WAIT_S, ChangeRequest, SubmitOptions, content_fields, new_key
from ticker.console import Console, examples, shared_options
from ticker.core.line import Change

Command = Callable[..., Any]
Option = Callable[[Command], Command]


_wait_option: Final = click.option(
    "--wait",
    "wait_s",
    metavar="SECONDS",
    type=click.FloatRange(0.1, WAIT_MAX_S),
    default=WAIT_S,
    show_default=True,
    help="How long a desk may take; later it is refused, never sent as if it were news.",
)
_reach_option: Final = click.option(
    "--reach/--no-reach", "wants_reach", default=True, help="Wait a moment to hear how many readers have it."
)
break_glass_option: Final = click.option(
    "--break-glass", metavar="REASON", help="Chiefs: go without a second person. Everybody will see why."
)


def manner_options(*options: Option) -> Option:
    """The options of everything that is handed in, and `options` of its own, handed over as one `manner`."""

    def decorate(function: Command) -> Command:
        def command(*args: Any, **given: Any) -> Any:
            manner = {name: given.pop(name) for name in SubmitOptions.__struct_fields__ if name in given}
            manner["may_repeat"] = bool(manner.get("key"))
            manner["key"] = manner.get("key") or new_key()
            return function(*args, manner=SubmitOptions(**manner), **given)

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        command = shared_options(command)
        every: tuple[Option, ...] = (
            *(edition_option, editor_option),
            *options,
            *(_wait_option, _reach_option, data_option),
        )
        for option in reversed(every):
            command = option(command)
        return command

    return decorate


_change_options = manner_options(
    click.option("--dry-run", "is_dry_run", is_flag=True, help="Apply all the rules, and send nothing."),
    break_glass_option,
    click.option("--key", metavar="KEY", help="The same key again never makes a second line.  [default: new]"),
    click.option("--no-wait", "skips_window", is_flag=True, help="End as the undo window begins, not as it closes."),
)


def _content_options(function: Command) -> Command:
    """What a line has besides its text."""
    for option in reversed(
        (
            click.option(
                "--section",
                metavar="S",
                shell_complete=completing.sections,
                help="A section of the edition, by id or name: see `tick editions`.",
            ),
            click.option(
                "--region",
                "regions",
                metavar="R",
                multiple=True,
                shell_complete=completing.regions,
                help="A region; may be given repeatedly.",
            ),
            click.option(
                "--urgency",
                metavar="N",
                type=click.IntRange(1, 9),
                help="1 flash, 2 bulletin, 3 urgent, 4 routine.  [default: 4]",
            ),
            click.option("--url", metavar="URL", help="Where there is more to read."),
            click.option("--expires", metavar="TIME", help="When it leaves the board: 2h, 16:30, tomorrow 9:00."),
            click.option("--attribution", metavar="WHO", help="Who says it; else it is read from `Who: text`."),
            click.option("--no-split", is_flag=True, help="Leave `Who: text` as one text."),
            click.option("--lang", metavar="TAG", help="Its language, if not the edition's: en, ar, es-MX."),
            click.option(
                "--story", metavar="NAME", help="Ties lines of one event together, also those of other editions."
            ),
            click.option("--at", metavar="TIME", help="When it goes out: 14:30, +20m, tomorrow 9:00."),
            click.option("--embargo", metavar="TIME", help="Until when it must not go out."),
            click.option(
                "--undo",
                metavar="5s",
                help="How long you can take it back unseen, with Ctrl-C or `tick undo`; 0 for no time.  "
                "[default: as the edition says]",
            ),
            click.option("--again", is_flag=True, help="It is meant, though it looks like a line that is there."),
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
_line_argument = click.argument("line", metavar="ID", shell_complete=completing.lines)
_text_argument = click.argument("text", metavar="TEXT")
_TEXT_BYTES: Final = 64 * 1024
"""Of standard input: many times what a line may have, so that it is the desk that says what is too long."""


def _asked(
    change: Change,
    *,
    line: str | None = None,
    version: int | None = None,
    text: str | None = None,
    note: str | None = None,
    reason: str | None = None,
    **content: Any,
) -> ChangeRequest:
    """What was typed as a change; an empty value takes a field away."""
    fields, times = content_fields(**content) if content else ({}, {})
    if text is not None:
        fields["text"] = _typed_or_piped(text)
    fields |= {"note": note, "reason": reason}
    return ChangeRequest(change=change, line=line, version=version, fields=fields, times=times)


def _typed_or_piped(text: str) -> str:
    """The text; where it is `-`, what is on standard input.

    Raises:
        UsageError: If nothing is there, or several lines.

    """
    if text != "-":
        return text
    if not (piped := _piped()):
        raise click.UsageError("there is no text on standard input", click.get_current_context())
    return piped


def _piped() -> str:
    """The one line on standard input; empty if there is none.

    Raises:
        UsageError: If there are several.

    """
    piped = sys.stdin.buffer.read(_TEXT_BYTES).decode(errors="surrogateescape").strip()
    if len(lines := piped.splitlines()) > 1:
        raise click.UsageError(
            f"standard input has {len(lines)} lines: a line on air is one; `tick post --from -` takes many, as JSON",
            click.get_current_context(),
        )
    return piped


@click.command(
    short_help="Put a new line on air.",
    epilog=examples(
        'tick post "Weather office: Storm reaches the coast at noon" -e en',
        'tick post "Polls close in Valmora" -e en --section politics --region europe --urgency 2',
        'tick post "Ferries stop until morning" -e en --expires 12h --pin 2h',
        'tick post "Parliament opens" -e en --at "tomorrow 9:00" --story opening',
        "tick post --from results.jsonl -e en --section sports",
    ),
)
@click.argument("text", metavar="TEXT", required=False)
@_content_options
@click.option("--pin", metavar="TIME", help="Keep it on top until then: 2h, 90m.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Post many: a JSON object on each line of FILE. Again, it goes on where it stopped.",
)
@_note_option
@_change_options
@click.pass_obj
def post(console: Console, /, *, text: str | None, source: Path | None, manner: SubmitOptions, **content: Any) -> int:
    """Put a new line on air.

    TEXT is one plain line; `-`, or none where standard input is no terminal, reads it from there. `Who: text` is read
    as an attribution and a text. A --pin or --expires of `2h` counts from the time that it goes out.
    """
    context = click.get_current_context()
    if source is not None:
        if text is not None:
            raise click.UsageError("give a TEXT or --from, not both", context)
        from publisher_cli.submit.batch import post_all  # noqa: PLC0415

        return post_all(console, manner, source, _asked(Change.NEW, **content))
    if text is None and (sys.stdin.isatty() or not (text := _piped())):
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    return _send(console, manner, _asked(Change.NEW, text=text, **content))


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
@_change_options
@click.pass_obj
def update(console: Console, /, *, manner: SubmitOptions, **typed: Any) -> int:
    """Change a line because there are new facts: its text, or any other field.

    An empty value takes a field away: --url ''.
    """
    return _send(console, manner, _asked(Change.UPDATE, **typed))


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
@_change_options
@click.pass_obj
def correct(console: Console, /, *, manner: SubmitOptions, **typed: Any) -> int:
    """Put a mistake right, and tell readers what was wrong. Lines of the same story that are still up are named."""
    return _send(console, manner, _asked(Change.CORRECT, **typed))


@click.command(
    short_help="Mend a typing mistake, quietly.",
    epilog=examples('tick refile last "Weather office: Storm reaches the coast at noon" -e en'),
)
@_line_argument
@_text_argument
@_content_options
@_note_option
@_version_option
@_change_options
@click.pass_obj
def refile(console: Console, /, *, manner: SubmitOptions, **typed: Any) -> int:
    """Mend a small error, such as a typing mistake, without telling readers.

    Where the meaning changes, use `correct`.
    """
    return _send(console, manner, _asked(Change.REFILE, **typed))


@click.command(
    short_help="Take a line back for good.",
    epilog=examples("tick withdraw last -e en --reason 'The report was wrong.'"),
)
@_line_argument
@click.option("--reason", metavar="TEXT", required=True, help="Why it is gone. Readers are told.")
@_note_option
@_version_option
@_change_options
@click.pass_obj
def withdraw(console: Console, /, *, manner: SubmitOptions, **typed: Any) -> int:
    """Take a line back for good: its text goes from every screen, a notice with the reason stays.

    You are told from how many screens it went, and which lines of the same story are still up in other editions.
    """
    return _send(console, manner, _asked(Change.WITHDRAW, **typed))


def _plain(change: Change, short_help: str, help_text: str, *lines: str) -> click.Command:
    """A command that has nothing but a line, a note and a version."""

    @click.command(str(change), short_help=short_help, help=help_text, epilog=examples(*lines))
    @_line_argument
    @_note_option
    @_version_option
    @_change_options
    @click.pass_obj
    def command(console: Console, /, *, manner: SubmitOptions, **typed: Any) -> int:
        return _send(console, manner, _asked(change, **typed))

    return command


hide = _plain(
    Change.HIDE,
    "Take a line off the board for now.",
    "Take a line off the board for now; `tick unhide` puts it back. Readers see it go without a notice.",
    "tick hide k7m2 -e en --note 'police asked us to wait'",
)
unhide = _plain(
    Change.UNHIDE,
    "Put a hidden line back on the board.",
    "Put a hidden line back on the board.",
    "tick unhide k7m2 -e en",
)
unpin = _plain(
    Change.UNPIN, "Let a pinned line go.", "Let a pinned line go back to its place.", "tick unpin k7m2 -e en"
)


@click.command(short_help="Keep a line on top.", epilog=examples("tick pin last -e en --for 90m"))
@_line_argument
@click.option("--for", "until", metavar="TIME", default="2h", show_default=True, help="How long, or until when.")
@_note_option
@_version_option
@_change_options
@click.pass_obj
def pin(console: Console, /, *, until: str, manner: SubmitOptions, **typed: Any) -> int:
    """Keep a line on top of the board. It ends by itself; seven days at most."""
    asked = _asked(Change.PIN, **typed)
    return _send(console, manner, msgspec.structs.replace(asked, times={"pinned_until": until}))


def _send(console: Console, manner: SubmitOptions, asked: ChangeRequest) -> int:
    from publisher_cli.submit.change import send  # noqa: PLC0415 -- it imports the Redis client, which takes a tenth of a second

    return send(console, manner, asked)
