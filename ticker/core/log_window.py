"""A window on an edition's log: the entries that are retained, their positions, and where a reader may resume."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

from ticker.core.position import MARK_DIGITS, Position

T = TypeVar("T")


class Reset(StrEnum):
    """Why a reader gets a fresh board instead of what it missed."""

    TRIMMED = "trimmed"  # its position is older than the retained log
    REPLACED = "replaced"  # its position belongs to another history, or to entries that were lost
    BEHIND = "behind"  # it read so slowly that the log was trimmed past it while it was connected
    MALFORMED = "malformed"  # what it sent is no position


class LogWindow(Generic[T]):
    """Contiguous items `first`..`head`, each with its link; older ones are trimmed.

    An item is whatever its holder keeps an entry as (the gateway: prepared frames). A cursor is the seq of the last
    entry that somebody has seen; `items(cursor, head)` is what follows. Not safe for threads.
    """

    def __init__(self, base: int, base_link: str | None) -> None:
        """Make an empty window that begins after entry `base`, whose link is `base_link` (None where unknown)."""
        self._base = base
        self._links: list[str | None] = [base_link]  # of _base, _base + 1, …, head
        self._items: list[T] = []

    @property
    def first(self) -> int:
        """The seq of the oldest retained item (one past the head where there is none)."""
        return self._base + 1

    @property
    def head(self) -> int:
        """The seq of the newest item, or of the base where there is none."""
        return self._base + len(self._items)

    @property
    def head_link(self) -> str | None:
        return self._links[-1]

    @property
    def position(self) -> Position:
        """The position of the head.

        An empty window with an unknown base link has none: a log that was trimmed keeps at least its newest entry.
        """
        link = self._links[-1]
        assert link is not None, "an empty window on a trimmed log has no position"
        return Position.of(self.head, link)

    def position_at(self, seq: int) -> Position | None:
        """The position of entry `seq`, where it is known: the base and what is retained."""
        link = self.link_at(seq)
        return None if link is None else Position.of(seq, link)

    def link_at(self, seq: int) -> str | None:
        """The whole link of entry `seq`, where it is known."""
        return self._links[seq - self._base] if self._base <= seq <= self.head else None

    def append(self, link: str, item: T) -> None:
        self._links.append(link)
        self._items.append(item)

    def trim(self, retained: int) -> None:
        """Forget all but the newest `retained` items."""
        excess = len(self._items) - retained
        if excess > 0:
            del self._items[:excess]
            del self._links[:excess]
            self._base += excess

    def resume(self, position: Position) -> int | Reset:
        """The cursor of a reader that has seen everything up to `position`, or why there is none.

        A position past the head is of a history that was lost (or that this window hasn't got yet: its holder may
        wait a moment before it asks).
        """
        if position.seq > self.head:
            return Reset.REPLACED
        if position.seq < self._base:
            return Reset.TRIMMED
        link = self._links[position.seq - self._base]
        if link is None:
            return Reset.TRIMMED
        return position.seq if link[:MARK_DIGITS] == position.mark else Reset.REPLACED

    def __getitem__(self, seq: int) -> T:
        """The item at `seq`, which must be retained."""
        if not self._base < seq <= self.head:
            raise IndexError(f"entry {seq} is not in the window {self.first}..{self.head}")
        return self._items[seq - self._base - 1]

    def __setitem__(self, seq: int, item: T) -> None:
        """Put another form of the item at `seq` in its place (its link stands)."""
        if not self._base < seq <= self.head:
            raise IndexError(f"entry {seq} is not in the window {self.first}..{self.head}")
        self._items[seq - self._base - 1] = item

    def iterate(self, after: int) -> Iterator[T]:
        """The items after cursor `after`, which must not be older than the base."""
        return (self._items[index] for index in range(after - self._base, len(self._items)))

    def items(self, after: int, until: int) -> list[T]:
        """The items after cursor `after` up to and with `until`, as far as they are retained."""
        start = max(after - self._base, 0)
        return self._items[start : max(until - self._base, 0)]
