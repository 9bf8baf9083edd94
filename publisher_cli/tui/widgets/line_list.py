"""Lines and what is held as rows of a list: each a few terminal lines, as wide as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec
from rich.cells import cell_len, set_cell_size
from textual.content import Content

from publisher_cli.history import SHORT, short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.times import spell_duration
from publisher_cli.tui.model import Picture
from ticker.core.edition import Edition
from ticker.core.held import Held, Reason
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.rules import fields
from ticker.core.submission import Submission

WIDE: Final = 110
"""From this many columns on there is room for seconds and whole section names."""

GAP: Final = " "
TEXT_LEAST: Final = 20

_MARK_STYLES: Final = {
    "FLASH": "bold $text-error",
    "BULLETIN": "bold $text-warning",
    "URGENT": "$text-warning",
    "PIN": "bold $text-accent",
    "CORRECTED": "$text-primary",
    "WITHDRAWN": "$text-error",
    "HELD": "$text-warning",
    "EXPIRED": "$foreground 60%",
    "TEST": "bold reverse",
}


class Row(msgspec.Struct, frozen=True):
    """`id` tells rows apart. Cells stand before the text; of `marks`, each has a line of its own."""

    id: str
    cells: tuple[str, ...]
    marks: tuple[str, ...]
    text: str
    dir: Direction
    attribution: str = ""
    is_dim: bool = False
    is_fresh: bool = False


def line_rows(picture: Picture, now: datetime, width: int) -> tuple[list[Row], list[Row]]:
    """What readers see, and below it the lines that they don't see."""
    names = short_ids(entry.line.id for entry in picture.board.newest_first())
    shown = [_line_row(line, names[line.id], picture, now, width) for line in picture.on_board(now)]
    off = []
    for entry in picture.off_board(now):
        kept = entry.hidden_version or entry.line
        row = _line_row(entry.line, names[entry.line.id], picture, now, width)
        text = messages.composed(kept) if entry.line.status is Status.WITHHELD else row.text
        off.append(msgspec.structs.replace(row, text=text, attribution=kept.attribution or "", is_dim=True))
    return shown, off


def _line_row(line: Line, name: str, picture: Picture, now: datetime, width: int) -> Row:
    return Row(
        id=line.id,
        cells=(
            name,
            _clock(line.updated_at, now, width, picture.zone),
            _section(line.section, picture.stored.edition, width),
        ),
        marks=tuple(line_marks(line, now)),
        text=messages.shown_text(line),
        dir=line.dir,
        attribution=line.attribution or "",
        is_fresh=(now - line.updated_at).total_seconds() < 60,
    )


def line_marks(line: Line, now: datetime) -> list[str]:
    """What sets a line apart, in words: nothing is told by colour alone."""
    marks = messages.marks(line, now).split()
    if line.status is Status.CANCELED:
        marks.append("WITHDRAWN")
    if line.status is Status.WITHHELD:
        marks.append("HELD")
    if line.status is Status.USABLE and line.correction is not None:
        marks.append("CORRECTED")
    if line.expires_at is not None and line.expires_at <= now:
        marks.append("EXPIRED")
    if line.test:
        marks.append("TEST")
    return marks


def held_rows(items: Sequence[Held], picture: Picture, now: datetime, width: int) -> list[Row]:
    """What waits: for whom or for when, from whom, and what it would put on air."""
    names = short_ids(held.id for held in items)
    return [_held_row(held, names[held.id], picture, now, width) for held in items]


def _held_row(held: Held, name: str, picture: Picture, now: datetime, width: int) -> Row:
    due = "" if held.due_at is None else spell_duration(held.due_at - now)
    cells = (name, _clock(held.submitted_at, now, width, picture.zone), held.editor, due)
    marks = [messages.URGENCIES.get(held_urgency(held, picture), ""), _HELD_WORDS.get(held.reason, "")]
    if held.submission.change is not Change.NEW:
        marks.insert(0, held.submission.change.upper())
    if picture.stored.edition.test:
        marks.append("TEST")
    text, direction = held_text(held, picture)
    return Row(held.id, cells, tuple(filter(None, marks)), text, direction)


_HELD_WORDS: Final = {Reason.OVERDUE: "OVERDUE", Reason.EMBARGO: "EMBARGO", Reason.UNDO: "UNDO"}


def held_urgency(held: Held, picture: Picture) -> int:
    if isinstance(held.submission.urgency, int):
        return held.submission.urgency
    latest = None if held.submission.id is None else picture.board.get(held.submission.id)
    return 4 if latest is None else latest.line.urgency


def held_text(held: Held, picture: Picture) -> tuple[str, Direction]:
    """The words of a submission that waits, or those of the line that it would change, and their direction."""
    submission = held.submission
    latest = None if submission.id is None else picture.board.get(submission.id)
    direction = picture.stored.edition.dir if latest is None else latest.line.dir
    text = _submitted_text(submission, direction)
    if text is None:
        text = "" if latest is None else messages.composed(latest.line)
    if submission.reason is not None:
        text += f"  [{bidi.isolated(submission.reason, within=direction)}]"
    return text, direction


def _submitted_text(submission: Submission, direction: Direction) -> str | None:
    """As it will be read once it is a line, with its attribution apart."""
    if not isinstance(submission.text, str):
        return None
    attribution, text = submission.attribution, submission.text
    if not isinstance(attribution, str) and submission.split_attribution:
        attribution, text = fields.split_attribution(text)
    return messages.attributed(attribution if isinstance(attribution, str) else None, text, direction)


def _clock(instant: datetime, now: datetime, width: int, zone: tzinfo | None) -> str:
    shown = messages.clock(instant, now, zone)
    return shown if width >= WIDE or len(shown) > 8 else shown[:5]


def _section(section: str | None, edition: Edition, width: int) -> str:
    name = "" if section is None else edition.sections.get(section, section)
    most = 16 if width >= WIDE else 11
    if cell_len(name) > most:
        name = set_cell_size(name, most - 1).rstrip() + "…"
    return bidi.isolated(name)


def contents(rows: Sequence[Row], width: int) -> list[Content]:
    """Each row laid out: columns as wide as the widest cell of all `rows`, the text in what is left of `width`."""
    cells = [max((cell_len(row.cells[index]) for row in rows), default=0) for index in range(_columns(rows))]
    marks = max((len(mark) for row in rows for mark in row.marks), default=0)
    used = sum(size + len(GAP) for size in (*cells, marks) if size)
    return [_content(row, cells, marks, max(width - used, TEXT_LEAST)) for row in rows]


def _columns(rows: Sequence[Row]) -> int:
    return max((len(row.cells) for row in rows), default=0)


def _content(row: Row, cells: Sequence[int], marks: int, room: int) -> Content:
    pieces = text_pieces(row, room)
    lines = []
    for number in range(max(len(pieces), len(row.marks), 1)):
        parts: list[Content] = []
        for index, size in enumerate(cells):
            cell = row.cells[index] if number == 0 else ""
            style = "$foreground 60%" if index else "bold"
            if size:
                parts.append(Content.styled(cell, style) + Content(" " * (size - cell_len(cell)) + GAP))
        if marks:
            mark = row.marks[number] if number < len(row.marks) else ""
            parts.append(Content.styled(mark, _MARK_STYLES.get(mark, "$foreground 60%")))
            parts.append(Content(" " * (marks - len(mark)) + GAP))
        parts.append(pieces[number] if number < len(pieces) else Content(""))
        lines.append(Content("").join(parts))
    return Content("\n").join(lines)


def text_pieces(row: Row, room: int) -> list[Content]:
    """The text wrapped, each piece isolated in its own direction: a terminal sorts out directions a line at a time.

    What runs from right to left begins at the right.
    """
    text = Content(row.text).stylize("$foreground 60%" if row.is_dim else "bold" if row.is_fresh else "")
    # Arabic has no italics: in their place mlterm shows boxes, and Konsole letters that don't join.
    slanted = "" if bidi.is_right_to_left(row.attribution) else row.attribution
    if slanted and (start := row.text.find(slanted)) >= 0:
        text = text.stylize("italic", start, start + len(slanted))
    return [_isolated(piece.rstrip(), row.dir, room) for piece in text.wrap(room)] if row.text else []


def _isolated(piece: Content, direction: Direction, room: int) -> Content:
    plain = bidi.balanced(piece.plain)
    if plain != piece.plain:
        piece = Content(plain).stylize(piece.spans[0].style if piece.spans else "")
    marked = bidi.isolated(plain, direction)
    if marked != plain:
        piece = Content(marked[0]) + piece + Content(marked[-1])
    if direction is Direction.RTL:
        piece = Content(" " * max(0, room - cell_len(plain))) + piece
    return piece


def short(line_id: str) -> str:
    return line_id[:SHORT]
