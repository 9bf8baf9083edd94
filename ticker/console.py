"""Shared by `ticker` and `tick`: text or JSON output, error messages in one line, and groups of commands.

Everything that a command prints goes through `Console`, which escapes control characters.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from importlib import import_module
from typing import IO, Any, NoReturn, TypeAlias

import click
import msgspec

from ticker.core.errors import TickerError
from ticker.core.escaping import escape, escape_json

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""The exit status that shells use for a program ended by Ctrl-C."""

COLUMNS = 80
"""The width of a terminal that doesn't report it."""

_CLEAR_LINE = "\r\x1b[K"


class OutputError(TickerError):
    """Standard output can't be written: the disk is full, or it is closed."""


class ClosedPipeError(OutputError):
    """Standard output is a pipe whose reader has ended, as in `tick log | head`."""


class Style(StrEnum):
    """How a word stands out on a terminal: parameters of SGR (ECMA-48)."""

    GOOD = "1;32"
    HELD = "1;33"
    BAD = "1;31"
    ALARM = "1;37;41"
    WARNING = "33"


class Styled(msgspec.Struct, frozen=True):
    """A line of text in which one word has a style."""

    word: str
    style: Style
    after: str = ""
    before: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.word}{self.after}"


Printable: TypeAlias = str | Styled


class Console:
    """The terminal, or what replaces it. Results go to `out`, everything else to `err`.

    It is the only part that prints, and it escapes control characters: no text can control the terminal. Each call
    prints one line. A character that the terminal's encoding lacks is printed as an escape.

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
        self._shows_progress = False

    @property
    def is_for_people(self) -> bool:
        """Whether `out` is a terminal and gets text."""
        return not self.json and self.out.isatty()

    @property
    def is_watched(self) -> bool:
        """Whether a person sees on a terminal what goes to `err`."""
        return not self.json and self.err.isatty()

    @property
    def columns(self) -> int | None:
        """The width of the terminal, or None if `is_for_people` is false. `COLUMNS` overrides it, as elsewhere."""
        if not self.is_for_people:
            return None
        given = self.environ.get("COLUMNS", "")
        if given.isdecimal() and int(given):
            return int(given)
        try:  # not with `shutil`, which imports three compression libraries
            return os.get_terminal_size(self.out.fileno()).columns or COLUMNS
        except OSError:
            return COLUMNS

    @property
    def has_colour(self) -> bool:
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def say(self, line: Printable) -> None:
        """Print a result as text.

        Raises:
            OutputError: If standard output can't be written.

        """
        self._write(self._encoded(line, self.out), self.out)

    def tell(self, line: Printable) -> None:
        """Print anything that isn't a result. If standard error can't be written, nobody reads it: do nothing."""
        with suppress(OutputError):
            self._write(self._encoded(line, self.err), self.err)

    def give(self, document: object) -> None:
        """Print a result as one JSON document on one line.

        Raises:
            OutputError: If standard output can't be written.

        """
        try:
            text = msgspec.json.encode(document).decode()
        except UnicodeEncodeError:  # a lone surrogate, from an argument that isn't UTF-8
            from json import dumps  # noqa: PLC0415 -- hardly ever needed

            text = dumps(msgspec.to_builtins(document), separators=(",", ":"))
        self.give_raw(text)

    def give_raw(self, document: str) -> None:
        """Print a JSON document as `give` does."""
        encoding = (getattr(self.out, "encoding", None) or "utf-8").lower().replace("-", "")
        self._write(escape_json(document, ascii_only=encoding != "utf8"), self.out)

    def show(self, document: object, *lines: str) -> None:
        """Print a result: `document` with --json, otherwise the lines of text."""
        if self.json:
            self.give(document)
        else:
            for line in lines:
                self.say(line)

    def show_progress(self, text: str) -> None:
        """Show a text in the current line of the terminal until something else is printed. An empty text clears it.

        Do nothing if no person watches.
        """
        if self.is_watched and (text or self._shows_progress):
            self._shows_progress = False
            with suppress(OutputError):
                self._write(f"{_CLEAR_LINE}{escape(text)}", self.err, end="")
            self._shows_progress = bool(text)

    def ask(self, question: str) -> bool:
        """Ask a question that `y` or `yes` answers with yes. Standard input must be a terminal."""
        with _raised_interrupts():
            return click.confirm(escape(question), err=True)

    def ask_password(self, question: str = "Password", *, is_new: bool = True) -> str:
        """Ask for a password without showing it, and for a new one twice. Standard input must be a terminal."""
        with _raised_interrupts():
            typed: str = click.prompt(escape(question), hide_input=True, confirmation_prompt=is_new, err=True)
        return typed

    def check_reader(self) -> None:
        """Check that `out` is still being read, without a write: the next write may be hours away.

        Raises:
            ClosedPipeError: If `out` is a pipe whose other end is closed.

        """
        poll = select.poll()
        poll.register(self.out.fileno(), 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
            raise ClosedPipeError("nobody reads standard output any more")

    def _encoded(self, line: Printable, file: IO[str]) -> str:
        if isinstance(line, str):
            return escape(line)
        before, word, after = (escape(part) for part in (line.before, line.word, line.after))
        if self.has_colour and file.isatty():
            word = f"\x1b[{line.style}m{word}\x1b[0m"
        return f"{before}{word}{after}"

    def _write(self, text: str, file: IO[str], end: str = "\n") -> None:
        start = _CLEAR_LINE if self._shows_progress and file.isatty() else ""
        self._shows_progress = False
        try:
            file.write(f"{start}{text}{end}")
            file.flush()
        except OSError as error:
            _discard(file)
            if isinstance(error, BrokenPipeError):
                raise ClosedPipeError("nobody reads standard output any more") from error
            raise OutputError(f"standard output can't be written ({error.strerror})") from error


@contextmanager
def _raised_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise at a prompt. Another handler would not end it, or would leave the terminal without its echo."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


def _discard(file: IO[str]) -> None:
    """Send the rest of the buffer of a broken file to /dev/null. Python would report it at exit."""
    with suppress(OSError, ValueError):  # in tests, a file may lack a descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def open_streams() -> None:
    """Prepare the standard streams, so that printing never fails because of a character or a closed stream.

    Call it before anything else is opened: a file or a connection would get the number of a stream that the shell has
    closed (`tick post … >&-`), and what we print would go there.
    """
    # A write to a closed standard output must fail, because a receipt then goes to standard error.
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 -- open until the process ends
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(
    command: click.Command,
    name: str,
    status_of: Callable[[BaseException], int],
    *,
    console: Console | None = None,
    args: list[str] | None = None,
    interrupted: str = "interrupted",
) -> NoReturn:
    """Run a command, and exit with its status. Print an error as one line, and exit with `status_of` it.

    `interrupted` is the sentence for a command that Ctrl-C ended.
    """
    if console is None:
        open_streams()
        console = Console()
    try:
        status = command.main(args, prog_name=name, standalone_mode=False, obj=console)
        console.out.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        for line in error.format_message().splitlines():
            console.tell(line)
        status = USAGE
    except click.ClickException as error:
        status = USAGE
        _fail(console, _usage(error, name), "usage")
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
        if console.is_watched:
            console.tell("")  # the terminal shows ^C, or a prompt, in its current line
        console.tell(interrupted)
    except BaseException as error:  # noqa: BLE001 -- the process's root: one line, or a traceback with --debug
        status = _report(console, error, status_of)
    sys.exit(int(status or 0))


def _report(console: Console, error: BaseException, status_of: Callable[[BaseException], int]) -> int:
    """Print an error as one line, and return the exit status for it."""
    cause = _first(error)
    if isinstance(cause, SystemExit):
        raise cause from None
    if isinstance(cause, (ClosedPipeError, BrokenPipeError)):  # `| head`: that isn't a failure
        return 0
    if console.debug:
        _show_traceback(console, error)
    _fail(console, sentence(cause), _code(cause))
    return FAILED if isinstance(cause, OutputError) else status_of(cause)


def sentence(error: BaseException) -> str:
    """Return an error in one sentence. Errors that aren't ours get their type, and a hint at --debug."""
    if isinstance(error, TickerError):
        return str(error)
    detail = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{': ' + detail if detail else ''}; --debug shows where it happened"


def _fail(console: Console, text: str, code: str) -> None:
    console.tell(Styled("error", Style.BAD, f": {text}"))
    if console.json:
        with suppress(OutputError):
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


def _show_traceback(console: Console, error: BaseException) -> None:
    import traceback  # noqa: PLC0415 -- only for --debug

    for line in "".join(traceback.format_exception(error)).splitlines():
        console.tell(line)


def examples(*lines: str) -> str:
    """Return an epilog for a command's help, with the example lines as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def shared_options(function: Callable[..., object]) -> Callable[..., object]:
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self._places and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 -- only needed for an error

            near = get_close_matches(args[0], self._places, 1)
            hint = f" (did you mean `{ctx.command_path} {near[0]}`?)" if near else ""
            raise click.UsageError(f"there is no command {args[0][:40]!a}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command
