"""What `ticker` and `tick` share: words and JSON for whoever asked, and one readable line when something fails."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import IO, Any, NoReturn

import click
import msgspec

from ticker.core.errors import TickerError

USAGE = 2
INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended."""


class Console:
    """Where results and words go. Results go to `out`; everything else to `err`.

    `json` asks for one JSON document instead of words; `debug` for tracebacks. Colours need a terminal, and no NO_COLOR
    in `environ`.
    """

    def __init__(
        self, environ: Mapping[str, str] = os.environ, out: IO[str] | None = None, err: IO[str] | None = None
    ) -> None:
        self.environ = environ
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err
        self.json = False
        self.debug = bool(environ.get("TICKER_DEBUG"))

    @property
    def is_for_people(self) -> bool:
        """Whether a person reads `out` as it comes."""
        return not self.json and self.out.isatty()

    @property
    def has_colour(self) -> bool:
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def say(self, text: str) -> None:
        """A result, in words."""
        self._write(text, self.out)

    def tell(self, text: str) -> None:
        """Anything that is no result."""
        self._write(text, self.err)

    def give(self, document: object) -> None:
        """A result as one JSON document on one line."""
        self.give_raw(msgspec.json.encode(document).decode())

    def give_raw(self, document: str) -> None:
        click.echo(document, file=self.out)

    def check_reader(self) -> None:
        """Notice that nobody reads `out` any more, before the next thing is written: that may take hours.

        Raises:
            BrokenPipeError: If it is a pipe whose other end is closed.

        """
        poll = select.poll()
        poll.register(self.out.fileno(), 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
            raise BrokenPipeError

    def _write(self, text: str, file: IO[str]) -> None:
        click.echo(text, file=file, color=None if self.has_colour else False)


def run(
    command: click.Command,
    name: str,
    status_of: Callable[[BaseException], int],
    *,
    console: Console | None = None,
    args: list[str] | None = None,
) -> NoReturn:
    """Run a command and exit with the status that it returns, or with that of what went wrong, said in one line."""
    console = Console() if console is None else console
    try:
        status = command.main(args, prog_name=name, standalone_mode=False, obj=console)
        console.out.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        console.tell(error.format_message())
        status = USAGE
    except click.ClickException as error:
        status = USAGE
        _fail(console, _usage(error, name), "usage")
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the process's root: people get a line, with --debug all of it
        cause = _first(error)
        if isinstance(cause, SystemExit):
            raise cause from None
        if isinstance(cause, BrokenPipeError):
            # Whoever read the output has enough (`| head`): not our failure. Python would complain at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        status = status_of(cause)
        if console.debug:
            _show_traceback(error)
        _fail(console, sentence(cause), _code(cause))
    sys.exit(int(status or 0))


def sentence(error: BaseException) -> str:
    """What went wrong, for people: what we raise says it itself, anything else gets its kind and a way to see more."""
    if isinstance(error, TickerError):
        return str(error)
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{': ' + words if words else ''}; --debug shows where it happened"


def _fail(console: Console, text: str, code: str) -> None:
    with suppress(OSError):
        console.tell(f"{click.style('error', fg='red', bold=True)}: {text}")
        if console.json:
            console.give({"error": code, "detail": text})


def _usage(error: click.ClickException, name: str) -> str:
    context = getattr(error, "ctx", None)
    path = name if context is None else context.command_path
    # Click's own sentences end with a full stop, and may have several lines.
    said = " ".join(error.format_message().split()).rstrip(".")
    hint = "put a text of several words in quotes, or " if "unexpected extra argument" in said else ""
    return f"{said}: {hint}see `{path} --help`"


def _code(error: BaseException) -> str:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else "error"


def _first(error: BaseException) -> BaseException:
    """The error that a group was made of: task groups wrap what one of their tasks raised."""
    for leaf in _leaves(error):
        if isinstance(leaf, TickerError):
            return leaf
    return next(_leaves(error))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _show_traceback(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 -- nobody pays for it who doesn't ask

    traceback.print_exception(error)


def examples(*lines: str) -> str:
    """An epilog for a command's help: the lines as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command has: --json and --debug. They act on the console; the command doesn't see them."""
    for name, help_text in (
        ("debug", "Show where an error happened."),
        ("json", "One JSON document instead of words."),
    ):
        function = click.option(
            f"--{name}", is_flag=True, expose_value=False, is_eager=True, callback=_set(name), help=help_text
        )(function)
    return function


def _set(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.find_object(Console), name, True)

    return callback


class Commands(click.Group):
    """A group that imports a command when it is asked for: `places` are `module:attribute` by the command's name."""

    def __init__(self, *args: Any, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command
