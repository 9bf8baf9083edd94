"""The list in the middle: the board, the pending items, or the scheduled items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import zip_longest
from typing import Final

import msgspec
from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from publisher_cli.decisions import Decided
from publisher_cli.history import SHORT, short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.times import spell_duration
from publisher_cli.tui.bindings import ON_LIST, Pane
from publisher_cli.tui.keys import OwnKeys
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.wrapping import wrapped
from ticker.core.edition import Edition
from ticker.core.held import Held, Reason
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.rules import fields
from ticker.core.submission import Submission

WIDE: Final = 110
"""Terminals with at least this many columns have room for seconds and whole section names."""

GAP: Final = " "
TEXT_LEAST: Final = 20
GUTTER: Final = 2

_MARK_STYLES: Final = {
    "FLASH": "bold $text-error",
    "BULLETIN": "bold $text-warning",
    "URGENT": "$text-warning",
    "PIN": "bold $text-accent",
    "CORRECTED": "$text-primary",
    "APPROVED": "$text-success",
    "REJECTED": "bold $text-error",
    "WITHDRAWN": "$text-error",
    "HIDDEN": "$text-warning",
    "EXPIRED": "$foreground 60%",
    "TEST": "bold reverse",
}


class Row(msgspec.Struct, frozen=True):
    """A line or a held item as one row. `cells` come before the text. Each of `marks` has its own line."""

    id: str
    cells: tuple[str, ...]
    marks: tuple[str, ...]
    text: str
    dir: Direction
    attribution: str = ""
    is_dim: bool = False
    is_fresh: bool = False


def line_rows(model: EditionModel, now: datetime, width: int) -> tuple[list[Row], list[Row]]:
    """Return the rows of the lines that readers see, and of the newest lines that they don't see."""
    names = short_ids(entry.line.id for entry in model.board.newest_first())
    shown = [_line_row(line, names[line.id], model, now, width) for line in model.on_board(now)]
    off = []
    for entry in model.off_board(now):
        readable = entry.hidden_version or entry.line
        row = _line_row(entry.line, names[entry.line.id], model, now, width)
        text = messages.line_text(readable) if entry.line.status is Status.WITHHELD else row.text
        off.append(msgspec.structs.replace(row, text=text, attribution=readable.attribution or "", is_dim=True))
    return shown, off


def _line_row(line: Line, name: str, model: EditionModel, now: datetime, width: int) -> Row:
    return Row(
        id=line.id,
        cells=(
            name,
            _clock(line.updated_at, now, width, model.zone),
            _section(line.section, model.stored.edition, width),
        ),
        marks=tuple(line_marks(line, now)),
        text=messages.shown_text(line),
        dir=line.dir,
        attribution=line.attribution or "",
        is_fresh=(now - line.updated_at).total_seconds() < 60,
    )


def line_marks(line: Line, now: datetime) -> list[str]:
    """Return the line's marks as words: no information is in the color alone."""
    marks = messages.marks(line, now).split()
    if line.status is Status.CANCELED:
        marks.append("WITHDRAWN")
    if line.status is Status.WITHHELD:
        marks.append("HIDDEN")
    if line.status is Status.USABLE and line.correction is not None:
        marks.append("CORRECTED")
    if line.expires_at is not None and line.expires_at <= now:
        marks.append("EXPIRED")
    if line.test:
        marks.append("TEST")
    return marks


def held_rows(items: Sequence[Held], model: EditionModel, now: datetime, width: int) -> list[Row]:
    """Return the rows of held items."""
    names = short_ids(held.id for held in items)
    return [_held_row(held, names[held.id], model, now, width) for held in items]


def _held_row(held: Held, name: str, model: EditionModel, now: datetime, width: int) -> Row:
    due = "" if held.due_at is None else spell_duration(held.due_at - now)
    cells = (name, _clock(held.submitted_at, now, width, model.zone), held.editor, due)
    marks = [messages.URGENCIES.get(held_urgency(held, model), ""), _REASON_MARKS.get(held.reason, "")]
    if held.submission.change is not Change.NEW:
        marks.insert(0, held.submission.change.upper())
    if model.stored.edition.test:
        marks.append("TEST")
    text, direction = held_text(held, model)
    return Row(held.id, cells, tuple(filter(None, marks)), text, direction)


def decided_rows(model: EditionModel, now: datetime, width: int) -> list[Row]:
    """Return the rows of what others decided lately about the editor's own items, the newest first."""
    return [_decided_row(each, model, now, width) for each in model.decided_lately(now)]


def _decided_row(decided: Decided, model: EditionModel, now: datetime, width: int) -> Row:
    """Return the row of a decision about an item of the editor's own."""
    cells = (decided.held[:SHORT], _clock(decided.at, now, width, model.zone), f"by {decided.decided_by}", "")
    text, direction = decided.text or decided.action or "", model.stored.edition.dir
    if decided.reason is not None:
        text += f"  [{bidi.isolated(decided.reason, within=direction)}]"
    return Row(f"decided {decided.id}", cells, (decided.decision.upper(),), text, direction, is_dim=True)


_REASON_MARKS: Final = {Reason.OVERDUE: "OVERDUE", Reason.EMBARGO: "EMBARGO", Reason.UNDO: "UNDO"}


def held_urgency(held: Held, model: EditionModel) -> int:
    """Return the urgency that the line will have: the submitted one, or that of the line as it is."""
    if isinstance(held.submission.urgency, int):
        return held.submission.urgency
    line = model.line_of(held)
    return 4 if line is None else line.urgency


def held_text(held: Held, model: EditionModel) -> tuple[str, Direction]:
    """Return the text of a held submission, or else of the line that it changes, and the direction of that text."""
    submission, line = held.submission, model.line_of(held)
    direction = model.stored.edition.dir if line is None else line.dir
    text = _submitted_text(submission, direction)
    if text is None:
        text = "" if line is None else messages.line_text(line)
    if submission.reason is not None:
        text += f"  [{bidi.isolated(submission.reason, within=direction)}]"
    return text, direction


def _submitted_text(submission: Submission, direction: Direction) -> str | None:
    """Return the submitted text as readers will see it, or None if the submission doesn't change the text."""
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
    """Lay out rows: each column is as wide as its widest cell, and the text gets the rest of `width`."""
    cells = [max(map(cell_len, column)) for column in zip(*(row.cells for row in rows), strict=True)]
    marks = max((len(mark) for row in rows for mark in row.marks), default=0)
    used = sum(size + len(GAP) for size in (*cells, marks) if size)
    return [_content(row, cells, marks, max(width - used, TEXT_LEAST)) for row in rows]


def _content(row: Row, cells: Sequence[int], marks: int, room: int) -> Content:
    lines = []
    for number, (mark, piece) in enumerate(zip_longest(row.marks or [""], text_pieces(row, room))):
        shown = row.cells if number == 0 else [""] * len(cells)
        parts = [
            _padded(cell, size, "$foreground 60%" if index else "bold")
            for index, (cell, size) in enumerate(zip(shown, cells, strict=True))
        ]
        parts.append(_padded(mark or "", marks, _MARK_STYLES.get(mark, "$foreground 60%")))
        parts.append(piece or Content(""))
        lines.append(Content("").join(parts))
    return Content("\n").join(lines)


def _padded(text: str, size: int, style: str) -> Content:
    """Return a cell of a column that is `size` wide. A column without any text takes no room."""
    return Content.styled(text, style) + Content(" " * (size - cell_len(text)) + GAP) if size else Content("")


def text_pieces(row: Row, room: int) -> list[Content]:
    """Wrap the text, isolated, to `room` columns. Right-to-left text is aligned to the right."""
    style = "$foreground 60%" if row.is_dim else "bold" if row.is_fresh else ""
    text = Content(bidi.isolated(row.text, row.dir)).stylize(style)
    # Don't set Arabic in italics: mlterm shows boxes, and Konsole shows letters that don't join.
    italic = "" if bidi.is_right_to_left(row.attribution) else row.attribution
    if italic and (start := text.plain.find(italic)) >= 0:
        text = text.stylize("italic", start, start + len(italic))
    pieces = wrapped(text, room).split()
    if row.dir is Direction.RTL:
        return [piece.pad_left(max(0, room - piece.cell_length)) for piece in pieces]
    return pieces


class LineList(OptionList, OwnKeys):
    """Rows, one of which is selected. The selection stays with its row when other rows push that down."""

    BINDINGS = ON_LIST

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self._shown: tuple[object, ...] = ()
        self._select_next: str | None = None

    async def on_key(self, event: Key) -> None:
        """Explain a key that no binding has handled. `OwnKeys.on_key` runs, too."""
        await self.run_action(f"app.explain_key({event.key!r})")

    @property
    def selected(self) -> str | None:
        """The id of the selected row."""
        option = self.highlighted_option
        return None if option is None else option.id

    @property
    def room(self) -> int:
        """The number of columns for a row."""
        return max(self.scrollable_content_region.width - GUTTER, TEXT_LEAST)

    def select_once_shown(self, row_id: str) -> None:
        """Select a row, as soon as the list has it."""
        self._select_next = row_id
        self._select(row_id, self.highlighted)

    def show_pane(self, model: EditionModel, pane: Pane, now: datetime, width: int) -> None:
        """Show the board, the pending items or the scheduled items."""
        if pane is Pane.BOARD:
            rows, below = line_rows(model, now, width)
            self.show(rows, below, "nothing is on the board")
            return
        items = model.pending() if pane is Pane.PENDING else model.scheduled()
        if model.held is None:
            empty = "your Redis user may not read held items: create it again with `ticker editor add`"
        else:
            empty = f"no item is {pane.value.lower()}"
        below = decided_rows(model, now, width) if pane is Pane.PENDING else []
        self.show(held_rows(items, model, now, width), below, empty, rule="decided lately about your items")

    def show(
        self, rows: Sequence[Row], below: Sequence[Row] = (), empty: str = "", rule: str = "not on the board"
    ) -> None:
        """Show `rows`, then `below` under a rule. Show the text `empty` instead of an empty list."""
        shown = (tuple(rows), tuple(below), empty, self.room)
        if shown == self._shown:
            return
        self._shown = shown
        index, selected, scroll_y = self.highlighted, self.selected, self.scroll_y
        laid_out = contents([*rows, *below], self.room)
        options: list[Option | None] = [
            Option(content, id=row.id) for content, row in zip(laid_out, [*rows, *below], strict=True)
        ]
        if below:
            line = Content.styled(f" {rule} ".center(self.room, "─"), "$foreground 60%")
            options.insert(len(rows), Option(line, disabled=True))
        if not options:
            options.append(Option(Content.styled(empty, "$foreground 60%"), disabled=True))
        self.set_options(options)
        self._select(selected, index)
        if selected is not None:
            self.scroll_to(y=scroll_y, animate=False, force=True, immediate=True)

    def _select(self, selected: str | None, index: int | None) -> None:
        """Select the row with the id `selected`, or else the one that is now at `index`."""
        ids = [option.id for option in self.options]
        if self._select_next is not None and self._select_next in ids:
            selected, self._select_next = self._select_next, None
        if selected in ids and selected is not None:
            self.highlighted = ids.index(selected)
        elif ids and any(ids):
            self.highlighted = min(index or 0, len(ids) - 1)
