"""The commands about what is held: what waits, and what is to become of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from publisher_cli import completing
from publisher_cli.commands.change import break_glass_option, manner_options
from publisher_cli.exit_codes import Status
from publisher_cli.session import Session, data_option, edition_option
from publisher_cli.submit.request import SubmitOptions
from ticker.console import Console, examples, shared_options
from ticker.core.submission import Decision

_held_argument = click.argument("held", metavar="ID", shell_complete=completing.held)


@click.command(
    short_help="Show what waits for another person.", epilog=examples("tick pending -e en", "tick pending -e en --json")
)
@edition_option
@data_option
@shared_options
@click.pass_obj
def pending(console: Console, /, *, edition: str | None, data: Path | None) -> Status:
    """Show what waits for another person: who asked, what for, and why it waits. The newest stands below."""
    from publisher_cli.held_items import read_waiting, show_pending  # noqa: PLC0415

    show_pending(console, asyncio.run(read_waiting(Session.find(console, data), edition)))
    return Status.DONE


@click.command(
    short_help="Show what waits for its time.",
    epilog=examples("tick scheduled -e en", "tick scheduled -e en --json"),
)
@edition_option
@data_option
@shared_options
@click.pass_obj
def scheduled(console: Console, /, *, edition: str | None, data: Path | None) -> Status:
    """Show what waits for its time, the next to go out on top."""
    from publisher_cli.held_items import read_waiting, show_scheduled  # noqa: PLC0415

    show_scheduled(console, asyncio.run(read_waiting(Session.find(console, data), edition)))
    return Status.DONE


@click.command(
    short_help="Let another's line go out.",
    epilog=examples(
        "tick approve k7m2 -e en", "tick approve last -e en --break-glass 'nobody else is in, the minister confirmed'"
    ),
)
@_held_argument
@manner_options(break_glass_option)
@click.pass_obj
def approve(console: Console, /, *, held: str, manner: SubmitOptions) -> int:
    """Let out what somebody else asked for: at once, or at its time.

    ID is as `tick pending` shows it, or `last` where only one waits. Your own needs another person; a chief can break
    the glass.
    """
    return _rule(console, manner, Decision.APPROVE, held)


@click.command(
    short_help="Turn down what another asked for.",
    epilog=examples("tick reject k7m2 -e en --reason 'we need a second source'"),
)
@_held_argument
@click.option("--reason", metavar="TEXT", required=True, help="Why. Its author is told; readers never are.")
@manner_options()
@click.pass_obj
def reject(console: Console, /, *, held: str, reason: str, manner: SubmitOptions) -> int:
    """Turn down what somebody else asked for: it never goes on air, and its author is told why."""
    return _rule(console, manner, Decision.REJECT, held, reason)


@click.command(short_help="Call off what is held.", epilog=examples("tick cancel k7m2 -e en", "tick cancel last -e en"))
@_held_argument
@manner_options()
@click.pass_obj
def cancel(console: Console, /, *, held: str, manner: SubmitOptions) -> int:
    """Call off what waits for its time or for another person: nothing goes out.

    ID is as `tick scheduled` or `tick pending` show it, or `last`: the newest that you asked for.
    """
    return _rule(console, manner, Decision.CANCEL, held)


@click.command(short_help="Take back what you have just posted.", epilog=examples("tick undo", "tick undo -e en"))
@manner_options()
@click.pass_obj
def undo(console: Console, /, *, manner: SubmitOptions) -> int:
    """Take back the newest of yours that is in its undo window: nothing goes out.

    Without an edition, it looks in all. What is on air already is taken back with `tick withdraw`.
    """
    return _rule(console, manner, Decision.CANCEL, None)


def _rule(
    console: Console, manner: SubmitOptions, decision: Decision, held: str | None, reason: str | None = None
) -> int:
    from publisher_cli.submit.decision import send_ruling  # noqa: PLC0415 -- it imports the Redis client

    return send_ruling(console, manner, decision, held, reason)
