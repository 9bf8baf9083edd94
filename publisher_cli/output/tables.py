"""Print boards, logs and editions: as a table on a terminal, as plain lines, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from publisher_cli.history import short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.output.rows import Row
from publisher_cli.session import NO_EDITION
from ticker.console import Console
from ticker.core.board import Board
from ticker.core.edition import SecondPerson
from ticker.core.entry import Logged
from ticker.core.line import Line, Status
from ticker.core.messages import BoardMessage, EditionInfo
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.store.editions import StoredEdition

_REVIEWED: Final = {
    SecondPerson.FLASH: "a flash",
    SecondPerson.WITHDRAWAL: "the withdrawal of another editor's line",
    SecondPerson.REPORTER: "everything that a reporter submits",
}


def print_board(
    console: Console,
    stored: StoredEdition,
    entries: Sequence[Logged],
    size: int,
    now: datetime,
    selection: Selection = EVERYTHING,
) -> None:
    """Print the board of `size` lines of a reader with a selection. `entries` are the whole log, the oldest first."""
    board = Board()
    for found in entries:
        board.apply(found.entry)
    lines = board.lines(now, size, selection, notices=stored.edition.notices)
    if console.json:
        position = str(entries[-1].position) if entries else str(Position.of(0, stored.nonce))
        console.give(BoardMessage(position, None, EditionInfo.of(stored.name, stored.edition), lines))
        return
    ids = short_ids(entry.line.id for entry in board.newest_first())
    head = entries[-1].seq if entries else 0
    console.tell(
        f"{messages.name_of(stored)}  {bidi.isolated(stored.edition.title)}  "
        f"{messages.count(head, 'entry', 'entries')}, {_counted(lines)} on the board"
        f"{'' if selection == EVERYTHING else ' of this selection'}"
    )
    show_rows(console, [board_row(line, ids[line.id], now) for line in lines])


def _counted(lines: Sequence[Line]) -> str:
    """Return the number of lines, and apart from them the number of notices that stand for withdrawn lines."""
    notices = sum(line.status is Status.CANCELED for line in lines)
    return messages.count(len(lines) - notices, "line") + (
        f" and {messages.count(notices, 'notice')}" if notices else ""
    )


def board_row(line: Line, line_id: str, now: datetime, style: str = "") -> Row:
    cells = (line_id, messages.clock(line.created_at, now), messages.marks(line, now))
    return Row(cells, messages.shown_text(line), line.dir, style)


def print_log(console: Console, stored: StoredEdition, entries: Sequence[Logged], now: datetime) -> None:
    if console.json:
        document = {
            "edition": stored.name,
            "entries": [
                {"position": str(found.position), **msgspec.to_builtins(found.entry.without_trim())}
                for found in entries
            ],
        }
        console.give(document)
        return
    ids = short_ids(found.entry.line.id for found in entries)
    if entries and stored.edition.test:
        console.tell(f"{messages.name_of(stored)}  {bidi.isolated(stored.edition.title)}")
    if not entries:
        console.tell(f'{messages.name_of(stored)}  the log is empty: tick post "…" -e {stored.name}')
    show_rows(console, [_log_row(found, ids[found.entry.line.id], now) for found in entries])


def _log_row(found: Logged, line_id: str, now: datetime) -> Row:
    entry, line = found.entry, found.entry.line
    time = messages.clock(line.updated_at, now)
    cells = (str(found.seq), time, line_id, f"v{line.version}", str(line.change), entry.editor)
    note = "" if entry.note is None else f"  [note: {bidi.isolated(entry.note)}]"
    return Row(cells, messages.shown_text(line) + note, line.dir)


def print_editions(console: Console, editions: Sequence[tuple[StoredEdition, int]]) -> None:
    """Print each edition, with the number of entries in its log."""
    if console.json:
        document = [
            {"name": stored.name, "head": head, **msgspec.to_builtins(stored.edition)} for stored, head in editions
        ]
        console.give({"editions": document})
        return
    if not editions:
        console.tell(NO_EDITION)
    for stored, head in editions:
        edition = stored.edition
        title, length = bidi.isolated(edition.title), messages.count(head, "entry", "entries")
        console.say(f"{messages.name_of(stored)}  {title}  {edition.lang} {edition.dir}  {length}")
        console.say(f"    sections  {_terms(edition.sections)}")
        console.say(f"    regions   {_terms(edition.regions)}")
        if edition.second_person:
            console.say(f"    a second person approves  {', '.join(map(_REVIEWED.__getitem__, edition.second_person))}")


def _terms(vocabulary: dict[str, str]) -> str:
    """Return the ids of the terms, each with its name if that is another word: an editor may type either."""
    terms = (
        term if name.casefold() == term else f"{term} ({bidi.isolated(name)})" for term, name in vocabulary.items()
    )
    return ", ".join(terms) or "none"


def show_rows(console: Console, rows: Sequence[Row]) -> None:
    """Print a table with wrapped texts on a terminal, or one line per row for pipes and files."""
    if not console.is_for_people:
        for row in rows:
            console.say("  ".join(filter(None, (*row.cells, bidi.isolated(row.text, row.dir)))))
        return
    if not rows:
        return  # an empty table is an empty line
    from publisher_cli.output.terminal import fitted, open_terminal  # noqa: PLC0415 -- Rich is slow to import

    terminal = open_terminal(console, console.out)
    terminal.print(fitted(rows, terminal))
