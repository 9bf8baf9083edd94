"""The options and arguments that several commands share."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from publisher_cli.submit.request import URGENCIES, WAIT_MAX_S, WAIT_S, SubmitOptions, parse_urgency
from ticker.console import Console, examples, shared_options
from ticker.core.errors import SettingsError
from ticker.core.submission import KEY_MAX, is_key

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Urgency(click.ParamType[int]):
    name = "urgency"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_urgency(str(value))
        except SettingsError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 -- only the Tab key needs it

        return [CompletionItem(name) for name in URGENCIES if name.startswith(incomplete)]


URGENCY: Final = _Urgency()
"""The type of an urgency: a number from 1 to 9, or a name."""

Command = Callable[..., object]
Option = Callable[[Command], Command]


def _completer(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return a click callback that offers what `publisher_cli.completion` finds for `kind`."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from publisher_cli.completion import complete_value  # noqa: PLC0415 -- only the Tab key needs it

        return complete_value(kind, context, incomplete)

    return complete


def _combined(*options: Option) -> Option:
    """Return one decorator for several options, which `--help` lists in this order."""

    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def command(short_help: str, *lines: str) -> Callable[[Command], click.Command]:
    """Return a decorator that makes a command. The help of the command ends with the example `lines`."""
    return click.command(short_help=short_help, epilog=examples(*lines))


def _remember_edition(context: click.Context, _: click.Parameter, name: str | None) -> str | None:
    """Return the name in lower case. Remember it for a person: `tick` alone opens this edition the next time."""
    if name is None:
        return None
    name = name.lower()
    if not context.resilient_parsing and sys.stdin.isatty():
        from ticker.store.login import save_last_edition  # noqa: PLC0415 -- scripts don't need it

        save_last_edition((context.find_object(Console) or Console()).environ, name)
    return name


def _checked_key(_context: click.Context, _option: click.Parameter, key: str | None) -> str | None:
    if key and not is_key(key):
        raise click.BadParameter(f"a key has 1 to {KEY_MAX} printable characters: this one has {len(key)}")
    return key


data_option: Final[Option] = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data folder of `ticker up`.  [default: TICKER_DATA, or the platform's folder for user data]",
)
edition_option: Final[Option] = click.option(
    "-e",
    "--edition",
    metavar="NAME",
    envvar="TICK_EDITION",
    shell_complete=_completer("editions"),
    callback=_remember_edition,
    help="The edition.  [default: TICK_EDITION, or the only edition]",
)
editor_option: Final[Option] = click.option(
    "--editor",
    metavar="NAME",
    envvar="TICK_EDITOR",
    help="Your name as an editor.  [default: TICK_EDITOR, the user in TICKER_REDIS_URL, or your login name]",
)

line_argument: Final[Option] = click.argument("line", metavar="ID", shell_complete=_completer("lines"))
optional_line_argument: Final[Option] = click.argument(
    "line", metavar="[ID]", required=False, shell_complete=_completer("lines")
)
held_argument: Final[Option] = click.argument("held", metavar="ID", shell_complete=_completer("held"))
held_arguments: Final[Option] = click.argument("held", metavar="[ID]...", nargs=-1, shell_complete=_completer("held"))

note_option: Final[Option] = click.option("--note", metavar="TEXT", help="A note for the staff. Readers never see it.")
_version_option: Final[Option] = click.option(
    "--version",
    type=click.IntRange(1),
    metavar="N",
    help="The version that you saw. The desk refuses the change if there is a newer one.  [default: the latest]",
)
break_glass_option: Final[Option] = click.option(
    "--break-glass", metavar="REASON", help="For chiefs: don't wait for a second person. Everyone can see the reason."
)
dry_run_option: Final[Option] = click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Apply all the rules, but send nothing."
)
key_option: Final[Option] = click.option(
    "--key",
    metavar="KEY",
    callback=_checked_key,
    help="A second request with the same key changes nothing.  [default: a new key]",
)
_no_wait_option: Final[Option] = click.option(
    "--no-wait", "skips_window", is_flag=True, help="Return when the undo window starts, not when it ends."
)
_wait_option: Final[Option] = click.option(
    "--wait",
    "wait_s",
    metavar="SECONDS",
    type=click.FloatRange(0.1, WAIT_MAX_S),
    default=WAIT_S,
    show_default=True,
    help="How long the desk may take. After that, it never publishes the line.",
)
_reach_option: Final[Option] = click.option(
    "--reach/--no-reach", "wants_reach", default=True, help="Wait a moment for the number of readers that got it."
)
_publication_options: Final[Option] = _combined(
    click.option("--at", metavar="TIME", help="When to publish it: 14:30, +20m, tomorrow 9:00."),
    click.option("--embargo", metavar="TIME", help="Don't publish it before this time."),
    click.option(
        "--undo",
        metavar="5s",
        help="How long Ctrl-C or `tick undo` can take it back before it is published; 0 for no time.  "
        "[default: as the edition says]",
    ),
    click.option("--again", is_flag=True, help="Post even if the line looks like a duplicate."),
    click.option("--yes", "confirmed", is_flag=True, help="Answer yes if a rule asks, as for a very short line."),
)


def _content_options(urgency_default: str, lang_default: str) -> Option:
    """Return the options for the fields of a line."""
    return _combined(
        click.option(
            "--section",
            metavar="S",
            shell_complete=_completer("sections"),
            help="A section of the edition, by id or name: see `tick editions`.",
        ),
        click.option(
            "--region",
            "regions",
            metavar="R",
            multiple=True,
            shell_complete=_completer("regions"),
            help="A region of the edition. Repeat it for several.",
        ),
        click.option(
            "--urgency",
            metavar="U",
            type=URGENCY,
            help=f"1 or flash, 2 or bulletin, 3 or urgent, 4 or routine.  [default: {urgency_default}]",
        ),
        click.option("--url", metavar="URL", help="A link to the full story."),
        click.option("--expires", metavar="TIME", help="When it leaves the board: 2h, 16:30, tomorrow 9:00."),
        click.option(
            "--attribution", metavar="WHO", help="The source of the news.  [default: the part of TEXT before the colon]"
        ),
        click.option("--no-split", is_flag=True, help="Keep `Who: text` as one text, without an attribution."),
        click.option("--lang", metavar="TAG", help=f"The language: en, ar, es-MX.  [default: {lang_default}]"),
        click.option("--story", metavar="NAME", help="Link the lines of one event, in all editions."),
        _publication_options,
    )


selection_options: Final[Option] = _combined(
    click.option(
        "--section",
        "sections",
        metavar="S",
        multiple=True,
        shell_complete=_completer("sections"),
        help="Only this section; may be given repeatedly.",
    ),
    click.option(
        "--region",
        "regions",
        metavar="R",
        multiple=True,
        shell_complete=_completer("regions"),
        help="Only this region; may be given repeatedly.",
    ),
    click.option(
        "--urgency", metavar="U", type=URGENCY, help="Only lines of this urgency or more urgent: 1, or flash."
    ),
)
"""The options of a reader's selection."""

new_line_options: Final = _content_options("routine", "the edition's")
rewrite_options: Final = _content_options("unchanged", "unchanged")


def read_options(*own: Option) -> Option:
    """Return the options of a command that reads an edition, with its `own` ones, and pass it the console."""
    return _combined(edition_option, *own, data_option, shared_options, click.pass_obj)


def submit_options(*own: Option) -> Option:
    """Add the options of every submission and the options `own`. Pass the console, and the values as one `options`."""

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def submit(*args: Any, **given: Any) -> Any:
            values = {name: given.pop(name) for name in SubmitOptions.__struct_fields__ if name in given}
            values["key"] = values.get("key") or None
            return function(*args, options=SubmitOptions(**values), **given)

        options = (edition_option, editor_option, *own, _wait_option, _reach_option, data_option, shared_options)
        return _combined(*options)(click.pass_obj(submit))

    return decorate


change_options: Final[Option] = submit_options(dry_run_option, break_glass_option, key_option, _no_wait_option)


def line_options(*own: Option) -> Option:
    """Return the parameters of a command that changes a line: the line, the `own` ones, and those of every change."""
    return _combined(line_argument, *own, note_option, _version_option, change_options)
