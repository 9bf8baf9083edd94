"""A window on an edition's log: the retained entries, their positions, and the cursor from which a reader resumes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

from ticker.core.position import MARK_DIGITS, Position, next_link

T = TypeVar("T")


class Reset(StrEnum):
    """Why a reader gets a new board instead of the entries that it missed."""

    TRIMMED = "trimmed"  # its position is older than the retained log
    REPLACED = "replaced"  # its position belongs to another history, or to entries that were lost
    BEHIND = "behind"  # it read so slowly that the log was trimmed past its position
    MALFORMED = "malformed"  # it sent something that is not a position


class LogWindow(Generic[T]):
    """The contiguous items `first` to `head`, each with its link. Older items are trimmed.

    There is one item per entry. Its type depends on the use: the gateway keeps encoded frames. A cursor is the seq of
    the last entry that a reader has seen. `items(cursor, head)` returns the items after it. Not thread-safe.
    """

    def __init__(self, base: int, base_link: str | None, *, is_incomplete: bool = False) -> None:
        """Create an empty window after entry `base`. `base_link` is the link of that entry, or None if unknown.

        If the log is damaged and entries are missing before the window (`is_incomplete`), it gives out positions that
        are valid in this window only. With any other, a reader would keep its incomplete board everywhere.
        """
        self.is_incomplete = is_incomplete
        self._base = base
        self._links: list[str | None] = [base_link]  # of _base, _base + 1, …, head
        self._items: list[T] = []

    @property
    def first(self) -> int:
        """The seq of the oldest item. For an empty window, the seq after the head."""
        return self._base + 1

    @property
    def head(self) -> int:
        """The seq of the newest item. For an empty window, the seq of the base."""
        return self._base + len(self._items)

    @property
    def head_link(self) -> str | None:
        return self._links[-1]

    @property
    def position(self) -> Position:
        """The position of the head.

        It is unknown for an empty window without a base link. That never happens, because trimming keeps at least the
        newest entry of a log.
        """
        link = self._links[-1]
        assert link is not None, "an empty window on a trimmed log has no position"
        return self.position_of(self.head, link)

    def position_of(self, seq: int, link: str) -> Position:
        """Return the position that this window gives out for an entry."""
        return Position.of(seq, next_link(link, b"incomplete") if self.is_incomplete else link)

    def position_at(self, seq: int) -> Position | None:
        """Return the position of entry `seq`, or None if it is neither retained nor the base."""
        link = self.link_at(seq)
        return None if link is None else self.position_of(seq, link)

    def link_at(self, seq: int) -> str | None:
        """Return the complete link of entry `seq`, or None if it is unknown."""
        return self._links[seq - self._base] if self._base <= seq <= self.head else None

    def append(self, link: str, item: T) -> None:
        self._links.append(link)
        self._items.append(item)

    def trim(self, retained: int) -> None:
        """Remove all but the newest `retained` items."""
        self.trim_through(self.head - retained)

    def trim_through(self, seq: int) -> None:
        """Remove the items up to `seq`, which must not be after the head."""
        excess = seq - self._base
        if excess > 0:
            del self._items[:excess]
            del self._links[:excess]
            self._base += excess

    def resume(self, position: Position) -> int | Reset:
        """Return the cursor of a reader that has seen everything up to `position`, or the reason for a reset.

        A position after the head belongs to a lost history, or to entries that this window doesn't have yet. The caller
        may wait a moment and try again.
        """
        if position.seq > self.head:
            return Reset.REPLACED
        if position.seq < self._base:
            return Reset.TRIMMED
        link = self._links[position.seq - self._base]
        if link is None:
            return Reset.TRIMMED
        is_same = link[:MARK_DIGITS] == position.mark or self.position_of(position.seq, link) == position
        return position.seq if is_same else Reset.REPLACED

    def __getitem__(self, seq: int) -> T:
        """Return the item at `seq`, which must be retained."""
        if not self._base < seq <= self.head:
            raise IndexError(f"entry {seq} is not in the window {self.first}..{self.head}")
        return self._items[seq - self._base - 1]

    def __setitem__(self, seq: int, item: T) -> None:
        """Replace the item at `seq` by another form of the same entry."""
        if not self._base < seq <= self.head:
            raise IndexError(f"entry {seq} is not in the window {self.first}..{self.head}")
        self._items[seq - self._base - 1] = item

    def iterate(self, after: int) -> Iterator[T]:
        """Iterate over the items after the cursor `after`, which must not be before the base."""
        return (self._items[index] for index in range(after - self._base, len(self._items)))

    def items(self, after: int, until: int) -> list[T]:
        """Return the retained items after the cursor `after`, up to and including `until`."""
        start = max(after - self._base, 0)
        return self._items[start : max(until - self._base, 0)]
