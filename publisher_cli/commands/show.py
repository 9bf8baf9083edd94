"""The commands that show what is: the board, the log, the editions. They read Redis and change nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publisher_cli.exit_codes import Status
from publisher_cli.session import Session, data_option, edition_option, find_edition
from ticker.console import Console, examples, shared_options

if TYPE_CHECKING:
    from publisher_cli.history import Found
    from ticker.store.editions import StoredEdition


@click.command(
    short_help="Show what readers see now.", epilog=examples("tick board -e en", "tick board -e en -n 3 --json")
)
@edition_option
@click.option("-n", "--lines", type=click.IntRange(1, 100), help="How many lines.  [default: as the edition says]")
@data_option
@shared_options
@click.pass_obj
def board(console: Console, /, *, edition: str | None, lines: int | None, data: Path | None) -> Status:
    """Show what readers see now, pins on top. Each line begins with as much of its id as it takes to name it."""
    from publisher_cli.output import tables  # noqa: PLC0415 -- only what shows something pays for it

    stored, entries = asyncio.run(_read(Session.find(console, data), edition, None))
    tables.show_board(console, stored, entries, lines or stored.edition.board_lines, datetime.now(UTC))
    return Status.DONE


@click.command(
    short_help="Show what was done, and by whom.", epilog=examples("tick log -e en", "tick log -e en -n 100 --json")
)
@edition_option
@click.option("-n", "--entries", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@data_option
@shared_options
@click.pass_obj
def log(console: Console, /, *, edition: str | None, entries: int, data: Path | None) -> Status:
    """Show the last entries of the log, the newest below: every version of every line, and who made it."""
    from publisher_cli.output import tables  # noqa: PLC0415

    stored, found = asyncio.run(_read(Session.find(console, data), edition, entries))
    tables.show_log(console, stored, found, datetime.now(UTC))
    return Status.DONE


@click.command(short_help="Show sections and regions.", epilog=examples("tick editions", "tick editions --json"))
@data_option
@shared_options
@click.pass_obj
def editions(console: Console, /, *, data: Path | None) -> Status:
    """Show the editions, with the sections and regions that a line of each may have."""
    from publisher_cli.output import tables  # noqa: PLC0415

    tables.show_editions(console, asyncio.run(_read_editions(Session.find(console, data))))
    return Status.DONE


async def _read(session: Session, given: str | None, most: int | None) -> tuple[StoredEdition, list[Found]]:
    """An edition and its newest entries, oldest first; all that are retained where `most` is None."""
    from publisher_cli.history import newest_first  # noqa: PLC0415

    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        entries: list[Found] = []
        async for found in newest_first(redis, stored.name, page=min(most or 500, 500)):
            entries.append(found)
            if len(entries) == most:
                break
        return stored, entries[::-1]


async def _read_editions(session: Session) -> list[tuple[StoredEdition, int]]:
    """Every edition with the seq of its newest entry."""
    from ticker.store.editions import edition_names, load_edition  # noqa: PLC0415
    from ticker.store.log_reader import last_seq  # noqa: PLC0415

    async with session.redis() as redis:
        found: list[tuple[StoredEdition, int]] = []
        for name in await edition_names(redis):
            stored = await load_edition(redis, name)
            if stored is not None:
                found.append((stored, await last_seq(redis, name)))
        return found
