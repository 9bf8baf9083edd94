"""Shared by `ticker` and `tick`: text or JSON output, error messages in one line, and groups of commands."""

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
"""The exit status that shells use for a program ended by Ctrl-C."""


class Console:
    """The terminal, or what replaces it. Results go to `out`, everything else to `err`.

    `json` is set by --json: one JSON document instead of text. `debug` is set by --debug: tracebacks. Colours need a
    terminal, and no NO_COLOR in `environ`.
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
        """Whether `out` is a terminal and gets text."""
        return not self.json and self.out.isatty()

    @property
    def has_colour(self) -> bool:
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def say(self, text: str) -> None:
        """Print a result as text."""
        self._write(text, self.out)

    def tell(self, text: str) -> None:
        """Print anything that isn't a result."""
        self._write(text, self.err)

    def give(self, document: object) -> None:
        """Print a result as one JSON document on one line."""
        self.give_raw(msgspec.json.encode(document).decode())

    def give_raw(self, document: str) -> None:
        click.echo(document, file=self.out)

    def show(self, document: object, *lines: str) -> None:
        """Print a result: `document` with --json, otherwise the lines of text."""
        if self.json:
            self.give(document)
        else:
            for line in lines:
                self.say(line)

    def check_reader(self) -> None:
        """Check that `out` is still being read, without a write: the next write may be hours away.

        Raises:
            BrokenPipeError: If `out` is a pipe whose other end is closed.

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
    """Run a command, and exit with its status. Print an error as one line, and exit with `status_of` it."""
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
    except BaseException as error:  # noqa: BLE001 -- the process's root: one line, or a traceback with --debug
        cause = _first(error)
        if isinstance(cause, SystemExit):
            raise cause from None
        if isinstance(cause, BrokenPipeError):
            # The reader of the output has ended (`| head`). That isn't a failure. Python would report it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        status = status_of(cause)
        if console.debug:
            _show_traceback(error)
        _fail(console, sentence(cause), _code(cause))
    sys.exit(int(status or 0))


def sentence(error: BaseException) -> str:
    """Return an error in one sentence. Errors that aren't ours get their type, and a hint at --debug."""
    if isinstance(error, TickerError):
        return str(error)
    detail = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{': ' + detail if detail else ''}; --debug shows where it happened"


def _fail(console: Console, text: str, code: str) -> None:
    with suppress(OSError):
        console.tell(f"{click.style('error', fg='red', bold=True)}: {text}")
        if console.json:
            console.give({"error": code, "detail": text})


def _usage(error: click.ClickException, name: str) -> str:
    context = getattr(error, "ctx", None)
    path = name if context is None else context.command_path
    # Click's messages end with a full stop, and may have several lines.
    message = " ".join(error.format_message().split()).rstrip(".")
    hint = "put a text of several words in quotes, or " if "unexpected extra argument" in message else ""
    return f"{message}: {hint}see `{path} --help`"


def _code(error: BaseException) -> str:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else "error"


def _first(error: BaseException) -> BaseException:
    """Return the error that caused an exception group: task groups wrap the errors of their tasks."""
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, TickerError)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _show_traceback(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 -- only for --debug

    traceback.print_exception(error)


def examples(*lines: str) -> str:
    """Return an epilog for a command's help, with the example lines as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command has: --json and --debug. They set attributes of the console."""
    for name, help_text in (
        ("debug", "Show where an error happened."),
        ("json", "Print one JSON document instead of text."),
    ):
        function = click.option(
            f"--{name}", is_flag=True, expose_value=False, is_eager=True, callback=_set_on_console, help=help_text
        )(function)
    return function


def _set_on_console(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        setattr(context.find_object(Console), str(option.name), True)


class Commands(click.Group):
    """A group that imports each command when it is needed. `places` has `module:attribute` by the command's name."""

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
