"""The `tick` command of editors. The subcommands are in `publisher_cli.commands`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final, NoReturn

import click

from publisher_cli.exit_codes import Status
from publisher_cli.interrupt import NOTHING_SENT
from publisher_cli.variables import report_unknown_variables
from ticker import __version__
from ticker.console import Commands, Console, run
from ticker.core.errors import SettingsError, StoreError

VARIABLE: Final = "_TICK_COMPLETE"
"""The variable in which the scripts of `publisher_cli.shells` ask for completions. Click chose its name."""

_MODULES: Final = {
    "post": ("post",),
    "change": ("update", "correct", "refile", "withdraw", "hide", "unhide", "pin", "unpin"),
    "review": ("undo", "scheduled", "cancel", "pending", "approve", "reject"),
    "show": ("board", "find", "log", "editions", "reach", "audit"),
    "watch": ("watch",),
    "desk": ("desk",),
    "login": ("login", "logout"),
    "completion": ("completion",),
}

_SECTIONS: Final = {
    "Write": ("post", "update", "correct", "refile", "pin", "unpin"),
    "Take back": ("withdraw", "hide", "unhide", "undo", "cancel"),
    "Decide": ("pending", "scheduled", "approve", "reject"),
    "Look": ("desk", "board", "find", "watch", "log", "reach", "audit", "editions"),
    "Set up": ("login", "logout", "completion"),
}
"""The sections of `tick --help`, with their commands."""

_EXAMPLES: Final = {
    "Write": 'tick post "Weather office: Storm nears the coast" -e en',
    "Take back": "tick withdraw last -e en --reason 'The report was wrong.'",
    "Decide": "tick approve k7m2 -e en",
    "Look": "tick watch -e en",
    "Set up": "tick login redis://maha@news.example",
}


class _Sections(Commands):
    """Lists the commands in sections. Each ends with an example."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for title, names in _SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            rows = [
                (name.ljust(width), command.get_short_help_str())
                for name, command in commands.items()
                if command is not None
            ]
            with formatter.section(title):
                formatter.write_dl(rows)
                formatter.write(f"{'':{formatter.current_indent}}Example: {_EXAMPLES[title]}\n")


@click.group(
    cls=_Sections,
    places={name: f"publisher_cli.commands.{module}:{name}" for module, names in _MODULES.items() for name in names},
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="tick")
@click.pass_context
def tick(context: click.Context) -> object:
    """Put a line on air, change it, take it back, and see what readers see.

    Without a command, on a terminal, `tick` opens the terminal application with the edition that you used last.

    Name a line by its id, by the first three or more characters of its id, or as `last`: the line that you posted last.
    `tick find WORDS` finds the id.
    TICK_EDITION and TICK_EDITOR replace -e and --editor.

    Exit codes: 0 on air, 2 invalid command, 3 refused by the desk, 4 not on air, 5 held, 6 unknown.
    """
    report_unknown_variables(context.find_object(Console) or Console())
    if context.invoked_subcommand is not None:
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.exceptions.NoArgsIsHelpError(context)
    desk = tick.get_command(context, "desk")
    assert desk is not None
    return desk.main([], prog_name="tick desk", standalone_mode=False, obj=context.obj, parent=context)


def main() -> NoReturn:
    """Run a command, and end the process without the cleanup of all modules, which would take a tenth of its time."""
    if VARIABLE in os.environ:
        from publisher_cli.shells import register  # noqa: PLC0415 -- only the Tab key needs it

        register()
    try:
        run(tick, "tick", status_of, interrupted=NOTHING_SENT)
    except SystemExit as end:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else Status.FAILED)


def status_of(error: BaseException) -> Status:
    """Return the exit code for an error that did not become a receipt."""
    from ticker.store.connection import CLIENT_ERRORS  # noqa: PLC0415 -- slow to import, and only needed after an error

    if isinstance(error, SettingsError):
        return Status.USAGE
    if isinstance(error, (StoreError, OSError, *CLIENT_ERRORS)):
        return Status.NOT_ON_AIR
    return Status.FAILED


if __name__ == "__main__":
    main()
