"""The `tick` command of editors. The subcommands are in `publisher_cli.commands`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import Final, NoReturn

import click

from publisher_cli.exit_codes import Status
from publisher_cli.interrupt import NOTHING_SENT
from ticker import __version__
from ticker.console import Commands, examples, run
from ticker.core.errors import SettingsError, StoreError

_MODULES: Final = {
    "change": ("post", "update", "correct", "refile", "withdraw", "hide", "unhide", "pin", "unpin"),
    "review": ("undo", "scheduled", "cancel", "pending", "approve", "reject"),
    "show": ("board", "log", "editions", "reach", "audit"),
    "watch": ("watch",),
    "desk": ("desk",),
    "completion": ("completion",),
}


@click.group(
    cls=Commands,
    places={name: f"publisher_cli.commands.{module}:{name}" for module, names in _MODULES.items() for name in names},
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        'tick post "Weather office: Storm nears the coast" -e en',
        "tick withdraw last -e en --reason 'The report was wrong.'",
        "tick watch -e en",
        "tick",
    ),
)
@click.version_option(__version__, prog_name="tick")
@click.pass_context
def tick(context: click.Context) -> object:
    """Put a line on air, change it, take it back, and see what readers see.

    Without a command, on a terminal, `tick` opens the terminal application.

    Name a line by its id, by the first three or more characters of its id, or as `last`: the line that you posted last.
    TICK_EDITION and TICK_EDITOR replace -e and --editor.

    Exit codes: 0 on air, 2 invalid command, 3 refused by the desk, 4 not on air, 5 held, 6 unknown.
    """
    if context.invoked_subcommand is not None:
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.exceptions.NoArgsIsHelpError(context)
    desk = tick.get_command(context, "desk")
    assert desk is not None
    return desk.main([], prog_name="tick desk", standalone_mode=False, obj=context.obj, parent=context)


def main() -> NoReturn:
    """Run a command, without the work that a process of a fifth of a second doesn't need.

    Garbage collection during imports, and the cleanup of all modules at exit, would be a third of its time.
    """
    gc.disable()
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
