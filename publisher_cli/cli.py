"""`tick`: an editor's commands. Each is in a module of its kind: `changing`, `ruling`, `reading`, `watching`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import Final, NoReturn

import click

from publisher_cli.exit_codes import Status
from ticker import __version__
from ticker.console import Commands, examples, run
from ticker.core.errors import SettingsError, StoreError

_CHANGES: Final = ("post", "update", "correct", "refile", "withdraw", "hide", "unhide", "pin", "unpin")
_RULINGS: Final = ("undo", "scheduled", "cancel", "pending", "approve", "reject")
_PLACES: Final = {
    **{name: f"publisher_cli.commands.change:{name}" for name in _CHANGES},
    **{name: f"publisher_cli.commands.review:{name}" for name in _RULINGS},
    **{name: f"publisher_cli.commands.show:{name}" for name in ("board", "log", "editions")},
    "watch": "publisher_cli.commands.watch:watch",
    "desk": "publisher_cli.commands.desk:desk",
    "reach": "publisher_cli.commands.reach:reach",
    "audit": "publisher_cli.commands.audit:audit",
    "completion": "publisher_cli.completion:completion",
}


@click.group(
    cls=Commands,
    places=_PLACES,
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
    """Put a line on air, change it, take it back, and see what shows. Alone on a terminal, it opens the desk view.

    A line is named by its id, by the first characters of it (three at least), or as `last`: the one you posted last.
    TICK_EDITION and TICK_EDITOR stand for -e and --editor. Exit codes: 0 on air, 2 usage, 3 refused by the desk, 4 not
    on air, 5 held.
    """
    if context.invoked_subcommand is not None:
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.exceptions.NoArgsIsHelpError(context)
    desk = tick.get_command(context, "desk")
    assert desk is not None
    return desk.main([], prog_name="tick desk", standalone_mode=False, obj=context.obj, parent=context)


def main() -> NoReturn:
    """Run a command, without what a process that lives for a fifth of a second doesn't need.

    The collector's passes while it imports, and the dismantling of all modules at its end, are a third of its time.
    """
    gc.disable()
    try:
        run(tick, "tick", status_of)
    except SystemExit as end:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else Status.FAILED)


def status_of(error: BaseException) -> Status:
    """The exit code for an error that a command didn't turn into a receipt."""
    from ticker.store.connection import CLIENT_ERRORS  # noqa: PLC0415 -- slow to import, and only for what has failed

    if isinstance(error, SettingsError):
        return Status.USAGE
    if isinstance(error, (StoreError, OSError, *CLIENT_ERRORS)):
        return Status.NOT_ON_AIR
    return Status.FAILED


if __name__ == "__main__":
    main()
