"""The commands about held items: list them, approve, reject, cancel and undo them."""

from __future__ import annotations

from pathlib import Path

import click

from publisher_cli.options import (
    break_glass_option,
    command,
    editor_option,
    held_argument,
    held_arguments,
    read_options,
    submit_options,
)
from publisher_cli.submit.request import SubmitOptions
from ticker.console import Console
from ticker.core.submission import Decision


@command("Show items that wait for a second person.", "tick pending -e en", "tick pending -e en --json")
@read_options(editor_option)
def pending(console: Console, /, *, edition: str | None, editor: str | None, data: Path | None) -> None:
    """Show the held items that wait for a second person, with their authors and the reasons. The newest is last.

    Below, it shows what others decided about your own items in the last twelve hours, and why.
    """
    from publisher_cli.read.held import show_pending  # noqa: PLC0415 -- it imports the Redis client

    show_pending(console, data, edition, editor)


@command("Show items that wait for their time.", "tick scheduled -e en", "tick scheduled -e en --json")
@read_options()
def scheduled(console: Console, /, *, edition: str | None, data: Path | None) -> None:
    """Show the held items that wait for their time. The next one to be published comes first."""
    from publisher_cli.read.held import show_scheduled  # noqa: PLC0415 -- it imports the Redis client

    show_scheduled(console, data, edition)


@command(
    "Approve a held item of another editor.",
    "tick approve k7m2 -e en",
    "tick approve last -e en --break-glass 'alone tonight, two sources'",
)
@held_argument
@click.option(
    "--seen", metavar="MARK", help="What you saw, as `tick pending --json` names it: don't show the item and ask."
)
@submit_options(break_glass_option)
def approve(console: Console, /, *, held: str, seen: str | None, options: SubmitOptions) -> int:
    """Approve a held item of another editor. It is published now, or at its time.

    The command shows the item and asks. Without a terminal it needs the whole ID, or --seen.

    ID is as `tick pending` shows it, or `last` if only one waits. You can't approve your own items,
    unless you are a chief and give --break-glass.
    """
    return _decide(console, options, Decision.APPROVE, held, seen=seen)


@command("Reject a held item of another editor.", "tick reject k7m2 -e en --reason 'we need a second source'")
@held_argument
@click.option("--reason", metavar="TEXT", required=True, help="Why. Its author sees it; readers don't.")
@submit_options()
def reject(console: Console, /, *, held: str, reason: str, options: SubmitOptions) -> int:
    """Reject a held item of another editor. It is never published, and its author sees the reason."""
    return _decide(console, options, Decision.REJECT, held, reason)


@command(
    "Cancel held items.",
    "tick cancel k7m2 -e en",
    "tick cancel last -e en",
    "tick cancel --all-mine -e en",
    "tick cancel --all-of rana -e en --yes",
)
@held_arguments
@click.option("--all-mine", is_flag=True, help="Cancel everything of yours that is held in the edition.")
@click.option("--all-of", "author", metavar="NAME", help="Cancel everything of that editor that is held there.")
@click.option("--yes", "is_sure", is_flag=True, help="Don't show the items of --all-mine or --all-of and ask.")
@submit_options()
def cancel(
    console: Console,
    /,
    *,
    held: tuple[str, ...],
    all_mine: bool,
    author: str | None,
    is_sure: bool,
    options: SubmitOptions,
) -> int:
    """Cancel held items, which wait for their time or for a second person. They are never published.

    ID is as `tick scheduled` or `tick pending` shows it, or `last`: the newest that you submitted. A reporter can only
    cancel their own items. After an editor was removed, --all-of cancels what they left.
    """
    from publisher_cli.submit import bulk_cancel  # noqa: PLC0415 -- it imports the Redis client

    chosen = bulk_cancel.Selection(names=held, all_mine=all_mine, author=author, is_sure=is_sure)
    return bulk_cancel.cancel(console, options, chosen)


@command("Take back your newest line.", "tick undo", "tick undo -e en")
@submit_options()
def undo(console: Console, /, *, options: SubmitOptions) -> int:
    """Take back the newest of your lines that is in its undo window. It is never published.

    Without -e, it looks in all editions. If the line is on air already, use `tick withdraw`.
    """
    return _decide(console, options, Decision.CANCEL, None)


def _decide(
    console: Console,
    options: SubmitOptions,
    decision: Decision,
    held: str | None,
    reason: str | None = None,
    seen: str | None = None,
) -> int:
    from publisher_cli.submit.decision import submit_decision  # noqa: PLC0415 -- it imports the Redis client

    return submit_decision(console, options, decision, held, reason, seen)
