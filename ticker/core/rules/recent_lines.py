"""The lines that a new text is compared with: the newest of an edition."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, Self

from ticker.core.entry import Entry
from ticker.core.line import Line
from ticker.core.rules.similarity import Words, cached_comparable, comparable, most_similar

DUPLICATE_LINES: Final = 200
"""The maximum number of lines that a new text is compared with, so that many lines don't slow down the desk."""


class RecentLines:
    """The newest lines of a board, by the numbers in their texts: only texts with the same numbers can be duplicates.

    A desk keeps this from one decision to the next, and adds each line that it has published. Otherwise, reading 200
    lines would be a quarter of a decision's time. Not thread-safe.
    """

    def __init__(self, newest_first: Iterable[Entry] = ()) -> None:
        """Read the newest lines of a board (see `Board.newest_first`)."""
        self._lines: dict[str, Line] = {}  # by id, in the order of their numbers
        self._by_numbers: dict[Words, dict[str, None]] = {}  # → ids, used as a set
        self._newest = 0
        for entry in reversed(list(islice(newest_first, DUPLICATE_LINES))):
            self.add(entry.line)

    def copy(self) -> Self:
        """Return an independent copy."""
        other = type(self)()
        other._lines = self._lines.copy()
        other._newest = self._newest
        other._by_numbers = {numbers: ids.copy() for numbers, ids in self._by_numbers.items()}
        return other

    def add(self, line: Line) -> None:
        """Add a line that is newer than the others, or a later version of any line."""
        known = self._lines.get(line.id)
        if known is None and line.number < self._newest:
            return  # a version of a line that is older than these
        if known is not None:
            self._forget_text(known)
        self._newest = max(self._newest, line.number)
        self._lines[line.id] = line
        if line.text:
            self._by_numbers.setdefault(cached_comparable(line.text).numbers, {})[line.id] = None
        if len(self._lines) > DUPLICATE_LINES:
            self.discard(next(iter(self._lines)))

    def discard(self, line_id: str) -> None:
        """Remove a line, if it is known."""
        if (line := self._lines.pop(line_id, None)) is not None:
            self._forget_text(line)

    def _forget_text(self, line: Line) -> None:
        numbers = cached_comparable(line.text).numbers
        ids = self._by_numbers.get(numbers, {})
        ids.pop(line.id, None)
        if not ids:
            self._by_numbers.pop(numbers, None)

    def find_similar(self, text: str, compares: Callable[[Line], bool]) -> tuple[Line, float] | None:
        """Return the line with the most similar text, and the similarity in per cent, or None.

        Only lines for which `compares` returns True count.
        """
        lines = [self._lines[line_id] for line_id in self._by_numbers.get(comparable(text).numbers, ())]
        if not lines:
            return None
        lines.sort(key=lambda line: -line.number)
        found = most_similar(text, [line.text for line in lines], lambda index: compares(lines[index]))
        return None if found is None else (lines[found[0]], found[1])

    def count_newer(self, line: Line, most: int, counts: Callable[[Line], bool]) -> int:
        """Return how many lines with a text are newer than `line`, of those for which `counts` returns True.

        Stop at `most`.
        """
        newer = 0
        for other in reversed(self._lines.values()):
            if other.id == line.id or newer >= most:
                break
            newer += bool(other.text) and counts(other)
        return newer
