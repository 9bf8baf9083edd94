"""The board: the fold of a log at a time.

The widget's fold is the same one; `tests/vectors/fold.json` holds both to it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import datetime

from ticker.core.entry import Entry
from ticker.core.line import Line, Status
from ticker.core.selection import EVERYTHING, Selection


class Board:
    """Every line of a log in its latest version, newest first by `number`; what shows of it depends on the time.

    Applying entries one by one, or resuming from any cut, gives the same board. Not safe for threads.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._order: list[tuple[int, str]] = []  # (number, id), ascending
        self._pins: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, line_id: str) -> bool:
        return line_id in self._entries

    def get(self, line_id: str) -> Entry | None:
        """The latest entry of a line."""
        return self._entries.get(line_id)

    def newest_first(self) -> Iterator[Entry]:
        """Every line's latest entry, also of those that don't show."""
        return (self._entries[line_id] for _, line_id in reversed(self._order))

    def apply(self, entry: Entry) -> None:
        """Put a later version of a line, or a new line, on the board; any other is left out.

        A log never holds a version twice or backwards, but a reader's board may be ahead of what it is sent next (a
        replay over a board that it kept, a gateway that lags behind the last one): an old version must never take the
        place of a newer one, least of all a text that of its withdrawal.
        """
        line = entry.line
        known = self._entries.get(line.id)
        if known is None:
            insort(self._order, (line.number, line.id))
        elif line.version <= known.line.version:
            return
        self._entries[line.id] = entry
        if line.pinned_until is None:
            self._pins.pop(line.id, None)
        else:
            self._pins[line.id] = line.pinned_until

    def forget(self, line_id: str) -> None:
        """Drop a line whose last entry has left the retained log."""
        entry = self._entries.pop(line_id)
        self._order.remove((entry.line.number, line_id))
        self._pins.pop(line_id, None)

    def lines(self, now: datetime, size: int, selection: Selection = EVERYTHING) -> list[Line]:
        """What shows at `now`: pins on top, then the rest, each newest first.

        `size` counts lines that can be read; notices of withdrawn ones stand between them and don't count (five
        withdrawals in a row must not empty a board), but no more than `size` of them are kept.
        """
        pins = sorted(((self._entries[line_id].line.number, line_id) for line_id in self._pins), reverse=True)
        pinned = [line for line in self._showing(pins, now, selection) if line.is_pinned(now)][:size]
        rest: list[Line] = []
        room, notices = size - len(pinned), size
        for line in self._showing(reversed(self._order), now, selection):
            if room <= 0:
                break
            if line.is_pinned(now):
                continue
            if line.status is Status.USABLE:
                room -= 1
            elif notices > 0:
                notices -= 1
            else:
                continue
            rest.append(line)
        return pinned + rest

    def _showing(self, order: Iterable[tuple[int, str]], now: datetime, selection: Selection) -> Iterator[Line]:
        for _, line_id in order:
            entry = self._entries[line_id]
            if entry.line.shows(now) and selection.takes(entry):
                yield entry.line


def changes_by_itself_at(lines: list[Line], now: datetime) -> datetime | None:
    """The next instant after `now` at which one of `lines` expires or its pin ends: until then the board stands."""
    instants = (instant for line in lines for instant in (line.expires_at, line.pinned_until) if instant is not None)
    return min((instant for instant in instants if instant > now), default=None)
