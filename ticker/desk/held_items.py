"""The held items of an edition, in the desk's memory, found by id, by key and by editor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from ticker.core.held import Held

HeldBytes: TypeAlias = tuple[bytes, Held]
"""A held item: its bytes in Redis, and the decoded value."""


class HeldItems:
    """The held items, in the order in which they were stored."""

    def __init__(self, items: Mapping[str, HeldBytes] | None = None) -> None:
        self._items: dict[str, HeldBytes] = {}
        self._id_of_key: dict[tuple[str, str], str] = {}
        self._of_editor: Counter[str] = Counter()
        for raw, held in (items or {}).values():
            self.put(raw, held)

    def put(self, raw: bytes, held: Held) -> None:
        """Add an item, or replace the item with its id."""
        self.remove(held.id)
        self._items[held.id] = (raw, held)
        self._id_of_key[held.editor, held.submission.key] = held.id
        self._of_editor[held.editor] += 1

    def remove(self, held_id: str) -> None:
        """Remove the item with this id, if there is one."""
        if (found := self._items.pop(held_id, None)) is None:
            return
        editor, key = found[1].editor, found[1].submission.key
        self._of_editor[editor] -= 1
        if self._id_of_key.get((editor, key)) == held_id:
            del self._id_of_key[editor, key]

    def get(self, held_id: str) -> HeldBytes | None:
        return self._items.get(held_id)

    def find(self, editor: str, key: str) -> Held | None:
        """Return the item that this editor submitted with this key."""
        held_id = self._id_of_key.get((editor, key))
        return None if held_id is None else self._items[held_id][1]

    def count_of(self, editor: str) -> int:
        return self._of_editor[editor]

    def all(self) -> Iterable[Held]:
        return (held for _, held in self._items.values())

    def newest_first(self) -> Iterator[tuple[str, HeldBytes]]:
        return reversed(self._items.items())

    def __contains__(self, held_id: object) -> bool:
        return held_id in self._items

    def __len__(self) -> int:
        return len(self._items)
