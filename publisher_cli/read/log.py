"""Read a board, a log or the editions from Redis, and print them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from publisher_cli.history import newest_first
from publisher_cli.output import tables
from publisher_cli.session import Session, find_edition, readable_editions
from ticker.console import Console
from ticker.core.edition import find_term
from ticker.core.entry import Logged
from ticker.core.errors import SettingsError
from ticker.core.line import Line
from ticker.core.selection import Selection
from ticker.formats.ninjs import ninjs
from ticker.formats.publication import Publication, authority_of
from ticker.formats.texts import Words
from ticker.store.editions import StoredEdition
from ticker.store.log_reader import last_seq

PAGE: Final = 500
WORDS: Final = Words(withdrawn="Withdrawn", correction="Correction", test="TEST")
PUBLIC_URL: Final = "TICKER_PUBLIC_URL"
"""The gateways' setting `public_url`: with it, the ids are those of the feeds."""


def show_board(
    console: Console,
    data: Path | None,
    edition: str | None,
    lines: int | None,
    *,
    sections: Sequence[str] = (),
    regions: Sequence[str] = (),
    urgency: int | None = None,
) -> None:
    """Print the board of a reader with this selection.

    Raises:
        SettingsError: If the edition lacks a section or a region.

    """
    stored, entries = asyncio.run(_load_entries(Session.find(console, data), edition, None))
    selection = Selection(
        _terms("section", stored.edition.sections, sections),
        _terms("region", stored.edition.regions, regions),
        urgency,
    )
    size = lines or stored.edition.board_lines
    tables.print_board(console, stored, entries, size, datetime.now(UTC), selection)


def _terms(kind: str, vocabulary: dict[str, str], given: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of sections or regions that are given by id or by name."""
    found = {each: find_term(vocabulary, each) for each in given}
    for each, term in found.items():
        if term is None:
            raise SettingsError(f"this edition has no {kind} {each[:40]!r}: use one of {', '.join(vocabulary)}")
    return tuple(sorted({term for term in found.values() if term is not None}))


def show_log(console: Console, data: Path | None, edition: str | None, limit: int) -> None:
    stored, entries = asyncio.run(_load_entries(Session.find(console, data), edition, limit))
    tables.print_log(console, stored, entries, datetime.now(UTC))


def show_ninjs(console: Console, data: Path | None, edition: str | None, limit: int) -> None:
    """Print the lines of the newest entries as ninjs objects, each in its newest version, the oldest change first.

    A version that was replaced isn't printed: its text may have been withdrawn since.
    """
    stored, entries = asyncio.run(_load_entries(Session.find(console, data), edition, limit))
    newest: dict[str, Line] = {}
    for logged in entries:
        line = logged.entry.line
        newest.pop(line.id, None)
        newest[line.id] = line
    url = console.environ.get(PUBLIC_URL)
    publication = Publication(
        name=stored.name,
        edition=stored.edition,
        base=(url or "").rstrip("/"),
        authority=authority_of(stored.edition, url),
        words=WORDS,
    )
    items = [ninjs(publication, line) for line in newest.values()]
    if console.json:
        console.give(items)
        return
    for item in items:
        console.give(item)


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
