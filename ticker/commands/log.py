"""`ticker verify` and `ticker rotate`: check a log, and begin a new one."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import click

from ticker.commands.options import data_option, run_with_redis
from ticker.console import USAGE, Console, examples, shared_options
from ticker.core.errors import LinkError, SettingsError

FAULTY = 1


@click.command(epilog=examples("ticker verify en", "ticker verify en --json"), short_help="Check every link of a log.")
@click.argument("edition")
@data_option
@shared_options
@click.pass_obj
def verify(console: Console, /, *, edition: str, data: Path | None) -> int:
    """Check that each entry of an edition's log links to the entry before it.

    The exit status is 0 if all do. Otherwise it is 1, and the number of the first bad entry is printed.
    """
    from ticker.store.log_reader import verify_log  # noqa: PLC0415 -- slow to import

    try:
        verified = run_with_redis(console, data, lambda redis: verify_log(redis, edition))
    except LinkError as error:
        console.show(
            {"edition": edition, "verified": False, "seq": error.seq, "detail": str(error)},
            f"{edition}  not verified, entry {error.seq}: {error}",
        )
        if not console.json:
            console.tell(f"  restore the log from a backup, or see what can be kept: ticker repair {edition} --dry-run")
        return FAULTY
    first, head, entries = verified.first, verified.head, verified.entries
    noun = "entry" if entries == 1 else "entries"
    span = f", {first} to {head.seq}" if entries else ""
    console.show(
        {"edition": edition, "verified": True, "first": first, "position": str(head), "entries": entries},
        f"{edition}  verified: {entries:,} {noun}{span}, at {head}",
    )
    return 0


@click.command(epilog=examples("ticker rotate en --yes"), short_help="Begin a new log for an edition.")
@click.argument("edition")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@data_option
@shared_options
@click.pass_obj
def rotate(console: Console, /, *, edition: str, yes: bool, data: Path | None) -> int:
    """Begin a new log for an edition, and keep the old one under another key.

    Every reader's board is emptied. Lines of the old log can't be changed or withdrawn any more. If the log is damaged,
    use `ticker repair`, which keeps them.
    """
    from ticker.store.log_reader import rotate as rotate_log  # noqa: PLC0415

    if not yes:
        if not sys.stdin.isatty():
            raise SettingsError(f"this would empty every reader's board of {edition}: confirm with --yes")
        if not console.ask(f"Empty every reader's board of {edition}, and begin a new log?"):
            console.tell("nothing was done")
            return USAGE
    archive = run_with_redis(console, data, lambda redis: rotate_log(redis, edition, secrets.token_hex(32)))
    console.show(
        {"edition": edition, "archive": archive},
        f"{edition}  has a new log; the old one is kept in the key {archive}",
    )
    return 0
