"""The board: the lines of a log that readers see at a given time.

The widget folds a log in the same way. Both are tested with `tests/vectors/fold.json`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from ticker.core.entry import Entry
from ticker.core.line import Line, Status
from ticker.core.selection import EVERYTHING, Selection

LINES_MAX: Final = 100
"""The maximum size of a board."""


class Board:
    """The latest version of every known line. `lines` returns those that are visible at a given time.

    The board depends only on the entries, not on how the log was divided between connections. Not thread-safe.
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
        """Return the latest entry of a line, or None if the line is unknown."""
        return self._entries.get(line_id)

    def newest_first(self) -> Iterator[Entry]:
        """Yield the latest entry of every line by descending `number`, including lines that aren't visible."""
        return (self._entries[line_id] for _, line_id in reversed(self._order))

    def apply(self, entry: Entry) -> None:
        """Add a new line or a later version of a line. Ignore a version that isn't later than the known one.

        If entries leave the log with this one, remove the lines that are forgotten with them.

        A log has the versions of a line in order, but a reader's board may be ahead of the entries that it gets next:
        after a replay over a board that it kept, or from a gateway that lags behind the last one. An old version must
        never replace a newer one, and a withdrawn text must never come back.
        """
        if entry.trim is not None:
            for kept in entry.trim.kept:
                self._put(kept)
            for line_id in entry.trim.forgotten:
                self.remove(line_id)
        self._put(entry.without_trim())

    def _put(self, entry: Entry) -> None:
        line = entry.line
        known = self._entries.get(line.id)
        if known is not None:
            if line.version <= known.line.version:
                return
            self.remove(line.id)  # its number may differ: the withdrawal of a forgotten line has a new one
        insort(self._order, (line.number, line.id))
        self._entries[line.id] = entry
        if line.pinned_until is not None:
            self._pins[line.id] = line.pinned_until

    def remove(self, line_id: str) -> None:
        """Remove a line, if it is known."""
        entry = self._entries.pop(line_id, None)
        if entry is not None:
            del self._order[bisect_left(self._order, (entry.line.number, line_id))]
            self._pins.pop(line_id, None)

    def lines(
        self, now: datetime, size: int, selection: Selection = EVERYTHING, *, notices: int = LINES_MAX
    ) -> list[Line]:
        """Return the lines that are visible at `now`: pinned lines first, then the others, each newest first.

        At most `size` lines have a text. Notices of withdrawn lines don't count, because five withdrawals in a row must
        not empty a board. The newest notices show, at most `size` and at most `notices` of them.
        """
        pins = sorted(((self._entries[line_id].line.number, line_id) for line_id in self._pins), reverse=True)
        pinned = [line for line in self._visible(pins, now, selection) if line.is_pinned(now)][:size]
        rest: list[Line] = []
        room, notices = size - len(pinned), min(size, notices)
        for line in self._visible(reversed(self._order), now, selection):
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

    def _visible(self, order: Iterable[tuple[int, str]], now: datetime, selection: Selection) -> Iterator[Line]:
        for _, line_id in order:
            entry = self._entries[line_id]
            if entry.line.shows(now) and selection.includes(entry):
                yield entry.line


def next_change_at(lines: list[Line], now: datetime) -> datetime | None:
    """Return the next time after `now` at which one of `lines` expires or its pin ends, or None.

    Until then, the board of these lines only changes with a new entry.
    """
    instants = (instant for line in lines for instant in (line.expires_at, line.pinned_until) if instant is not None)
    return min((instant for instant in instants if instant > now), default=None)
