"""Find lines and held items by their words, and print them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from redis.exceptions import NoPermissionError

from publisher_cli.held_items import load_held_items
from publisher_cli.history import newest_first, short_ids
from publisher_cli.output import messages
from publisher_cli.output.rows import Row
from publisher_cli.output.tables import show_rows
from publisher_cli.session import Session, find_edition, readable_editions
from publisher_cli.words import has_words
from ticker.console import Console
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.errors import SettingsError
from ticker.core.line import Direction, Line, Status
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition


class Place(StrEnum):
    """The present place of a text."""

    ON_BOARD = "on the board"
    OFF_BOARD = "off the board"  # expired, or pushed down by newer lines
    HIDDEN = "hidden"
    SCHEDULED = "scheduled"
    PENDING = "pending"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A line or a held item. `at` is when it last changed, or when it was submitted."""

    edition: str
    test: bool
    id: str
    short_id: str
    place: Place
    at: datetime
    text: str
    dir: Direction


def show_found(console: Console, data: Path | None, edition: str | None, words: str, most: int) -> None:
    """Print the lines and held items with all of the `words`, the newest first, at most `most`.

    Without `edition`, look in all editions that the editor may read.

    Raises:
        SettingsError: If an edition or a word is missing.

    """
    if not any(map(str.isalnum, words)):
        raise SettingsError("type a word that the line has, as in `tick find harbour`")
    found = sorted(
        asyncio.run(_find(Session.find(console, data), edition, words)), key=lambda each: each.at, reverse=True
    )
    if console.json:
        console.give({"words": words, "found": found[:most]})
        return
    count = messages.count(len(found), "text has", "texts have")
    left_out = f", the newest {most} are" if len(found) > most else ""
    console.tell(f"{count} the words {words}{left_out}{':' if found else ''}")
    show_rows(console, [_row(each, datetime.now(UTC)) for each in found[:most]])


def _row(found: Found, now: datetime) -> Row:
    name = messages.edition_name(found.edition, is_test=found.test)
    return Row((name, found.short_id, messages.clock(found.at, now), found.place), found.text, found.dir)


async def _find(session: Session, given: str | None, words: str) -> list[Found]:
    async with session.redis() as redis:
        editions = await readable_editions(redis) if given is None else [await find_edition(redis, given)]
        found: list[Found] = []
        for stored in editions:
            found += await _find_lines(redis, stored, words)
            with suppress(NoPermissionError):  # not every Redis user may read held items
                found += await _find_held(redis, stored, words)
        return found


async def _find_lines(redis: Redis, stored: StoredEdition, words: str) -> list[Found]:
    board, now = Board(), datetime.now(UTC)
    for logged in reversed([logged async for logged in newest_first(redis, stored.name)]):
        board.apply(logged.entry)
    edition = stored.edition
    shown = {line.id for line in board.lines(now, edition.board_lines, notices=edition.notices)}
    ids = short_ids(entry.line.id for entry in board.newest_first())
    return [
        Found(
            edition=stored.name,
            test=stored.edition.test,
            id=line.id,
            short_id=ids[line.id],
            place=Place.HIDDEN if is_hidden else Place.ON_BOARD if line.id in shown else Place.OFF_BOARD,
            at=line.updated_at,
            text=messages.line_text(line),
            dir=line.dir,
        )
        for line, is_hidden in _with_words(list(board.newest_first()), words)
    ]


def _with_words(entries: Sequence[Entry], words: str) -> Iterator[tuple[Line, bool]]:
    """Yield each line with the words in its text, its source or its story, and whether it is hidden."""
    for entry in entries:
        line = entry.hidden_version or entry.line
        searched = " ".join(filter(None, (line.attribution, line.text, line.coverage)))
        if line.status is not Status.CANCELED and has_words(searched, words):
            yield line, entry.line.status is Status.WITHHELD


async def _find_held(redis: Redis, stored: StoredEdition, words: str) -> list[Found]:
    items = await load_held_items(redis, stored)
    ids = short_ids(items.held)
    return [
        Found(
            edition=stored.name,
            test=stored.edition.test,
            id=held.id,
            short_id=ids[held.id],
            place=Place.PENDING if held.waits_for_person else Place.SCHEDULED,
            at=held.submitted_at,
            text=text,
            dir=items.direction_of(held),
        )
        for held in items.held.values()
        if has_words(text := messages.held_text(held, items.line_of(held)), words)
    ]
