"""Read a board, a log or the editions from Redis, and print them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from publisher_cli.history import newest_first
from publisher_cli.output import tables
from publisher_cli.session import Session, find_edition, readable_editions
from ticker.console import Console
from ticker.core.entry import Logged
from ticker.store.editions import StoredEdition
from ticker.store.log_reader import last_seq

PAGE: Final = 500


def show_board(console: Console, data: Path | None, edition: str | None, lines: int | None) -> None:
    stored, entries = asyncio.run(_load_entries(Session.find(console, data), edition, None))
    tables.print_board(console, stored, entries, lines or stored.edition.board_lines, datetime.now(UTC))


def show_log(console: Console, data: Path | None, edition: str | None, limit: int) -> None:
    stored, entries = asyncio.run(_load_entries(Session.find(console, data), edition, limit))
    tables.print_log(console, stored, entries, datetime.now(UTC))


def show_editions(console: Console, data: Path | None) -> None:
    tables.print_editions(console, asyncio.run(_load_editions(Session.find(console, data))))


async def _load_entries(session: Session, given: str | None, limit: int | None) -> tuple[StoredEdition, list[Logged]]:
    """Return an edition and its newest entries, at most `limit` (None: the retained log), the oldest first."""
    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        entries: list[Logged] = []
        async for found in newest_first(redis, stored.name, page=min(limit or PAGE, PAGE)):
            entries.append(found)
            if len(entries) == limit:
                break
        return stored, entries[::-1]


async def _load_editions(session: Session) -> list[tuple[StoredEdition, int]]:
    """Return every edition that the user may read, with the number of its newest entry."""
    async with session.redis() as redis:
        return [(stored, await last_seq(redis, stored.name)) for stored in await readable_editions(redis)]
