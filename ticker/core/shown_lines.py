"""Find the lines that still show on the board of any selection. They must stay known."""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Facets, Line, Status

# Strings, because the hash of an enum member is computed by Python code: too slow for every line of a log.
_Kind: TypeAlias = Literal["usable", "pinned", "canceled"]
_USABLE: Final = "usable"
_PINNED: Final = "pinned"
_CANCELED: Final = "canceled"

_Cell: TypeAlias = tuple[_Kind, str | None, str | None, int]
"""A kind of lines with one section, one region (None: any region, or none) and one urgency."""


class ShownLines:
    """The lines of a board, by section, region and urgency.

    A selection is a union of such cells. So a line that is among the newest `size` lines of a selection is among the
    newest `size` lines of one of its cells. `shows` checks that, and never has to know the selections in use.

    The caller calls `update` after each change of a line in `board`. Not thread-safe.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._cells: dict[_Cell, list[tuple[int, str]]] = {}  # → (number, id), ascending
        self._place_of: dict[str, tuple[int, tuple[_Cell, ...]]] = {}  # line id → its number and cells
        self._oldest: dict[_Cell, int] = {}  # → the number of the oldest line with a place, for `_asked`
        self._asked: tuple[datetime, int] | None = None

    def update(self, line_id: str) -> None:
        """Adopt the board's version of a line, or its removal."""
        self._asked = None
        number, cells = self._place_of.pop(line_id, (0, ()))
        for cell in cells:
            self._discard(cell, (number, line_id))
        entry = self._board.get(line_id)
        if entry is None or entry.line.status is Status.WITHHELD:
            return
        cells = _cells_of(entry)
        self._place_of[line_id] = (entry.line.number, cells)
        for cell in cells:
            insort(self._cells.setdefault(cell, []), (entry.line.number, line_id))

    def shows(self, entry: Entry, now: datetime, size: int) -> bool:
        """Return whether the line shows at `now` on a board of any selection with at most `size` lines.

        May also return True for some lines that don't: pinned lines take the places of newer ones.
        """
        if self._asked != (now, size):
            self._asked, self._oldest = (now, size), {}
        line = entry.line
        if not line.shows(now):
            return False
        for cell in _cells_of(entry):
            kind, section, region, urgency = cell
            if not _counts(kind, line, now) or line.number < self._oldest_with_place(cell, now, size):
                continue
            if kind is not _CANCELED:
                return True
            # A notice stands between lines with a text, so it needs a place among those, too.
            texts: _Cell = _USABLE, section, region, urgency
            if line.number >= self._oldest_with_place(texts, now, size):
                return True
        return False

    def _oldest_with_place(self, cell: _Cell, now: datetime, size: int) -> int:
        """Return the number of the oldest of the newest `size` lines of a cell, or 0 if it has fewer."""
        oldest = self._oldest.get(cell)
        if oldest is None:
            oldest = self._oldest[cell] = self._find_oldest(cell, now, size)
        return oldest

    def _find_oldest(self, cell: _Cell, now: datetime, size: int) -> int:
        """Compute what `_oldest_with_place` returns, and remove the lines that no longer count on the way there."""
        members = self._cells.get(cell, [])
        newer = 0
        for index in range(len(members) - 1, -1, -1):
            if len(members) < size:
                break
            number, line_id = members[index]
            other = self._board.get(line_id)
            if other is None or not _counts(cell[0], other.line, now):
                del members[index]
            else:
                newer += 1
                if newer == size:
                    return number
        return 0

    def _discard(self, cell: _Cell, member: tuple[int, str]) -> None:
        members = self._cells.get(cell, [])
        index = bisect_left(members, member)
        if members[index : index + 1] == [member]:
            del members[index]
        if not members:
            self._cells.pop(cell, None)


def _counts(kind: _Kind, line: Line, now: datetime) -> bool:
    return line.is_pinned(now) if kind is _PINNED else line.shows(now)


def _cells_of(entry: Entry) -> tuple[_Cell, ...]:
    """Return the cells of a line, each once."""
    line = entry.line
    if line.status is Status.CANCELED:
        kinds: tuple[_Kind, ...] = (_CANCELED,)
    elif line.pinned_until is not None:
        kinds = (_USABLE, _PINNED)
    else:
        kinds = (_USABLE,)
    cells = _cells(kinds, line.facets)
    if not entry.earlier_facets:
        return cells
    return tuple(dict.fromkeys(cells + sum((_cells(kinds, facets) for facets in entry.earlier_facets), ())))


@lru_cache(maxsize=1024)
def _cells(kinds: tuple[_Kind, ...], facets: Facets) -> tuple[_Cell, ...]:
    regions = dict.fromkeys((None, *facets.regions))
    return tuple((kind, facets.section, region, facets.urgency) for region in regions for kind in kinds)
