"""Find the sound entries of a damaged log, and its faults.

A link is a hash over the link before it and the entry's bytes. So an entry is sound if its link follows from the entry
before it. If that entry was changed or is missing, the links around the damage decide:

- An entry after a missing one is sound if the next entry follows from its link. So is the first one of a trimmed log.
- An entry with a wrong link is sound if the next entry follows from the right link: only its link was changed.
- For the last entry, a receipt with its position decides. Only the desk writes receipts.

Everything else was changed, or wasn't written by a desk.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

import msgspec

from ticker.core.entry import Logged, RawEntry, decode_entry
from ticker.core.errors import LinkError
from ticker.core.position import Position, next_link


class Fault(msgspec.Struct, frozen=True):
    """A fault in the entries `first` to `last` of a log."""

    first: int
    last: int
    detail: str


class Salvage(msgspec.Struct, frozen=True):
    """The sound entries of a log, ascending but not necessarily contiguous, and the faults, in the order of the log."""

    sound: Sequence[Logged]
    faults: Sequence[Fault]

    def split(self) -> tuple[Sequence[Logged], Sequence[Logged]]:
        """Return the sound entries before the last damage, and those after it, which are contiguous."""
        index = len(self.sound)
        while index > 0 and (index == len(self.sound) or self.sound[index - 1].seq + 1 == self.sound[index].seq):
            index -= 1
        return self.sound[:index], self.sound[index:]


class _Doubt(msgspec.Struct, frozen=True):
    """An entry that doesn't follow from the one before it.

    `computed` are the links that follow from the possible links before it. It is empty after a missing entry.
    """

    raw: RawEntry
    computed: tuple[str, ...]


def salvage(nonce: str, items: Iterable[RawEntry | LinkError], confirmed: Container[str] = ()) -> Salvage:
    """Inspect all items of a log's stream, in order. A LinkError is an item that can't be an entry.

    `confirmed` contains the positions that receipts name.
    """
    inspection = _Inspection(nonce, confirmed)
    for item in items:
        if isinstance(item, LinkError):
            inspection.faults.append(Fault(item.seq, item.seq, str(item)))
        else:
            inspection.add(item)
    inspection.settle(None)
    return Salvage(inspection.sound, sorted([*inspection.faults, *_missing(inspection)], key=lambda each: each.first))


def _missing(inspection: _Inspection) -> Iterable[Fault]:
    """Yield the numbers between sound entries that no other fault names."""
    named = sorted({fault.first for fault in inspection.faults})
    for before, after in pairwise(inspection.sound):
        start = before.seq + 1
        for seq in (*(seq for seq in named if start <= seq < after.seq), after.seq):
            if start < seq:
                last = seq - 1
                what = f"entry {start} is missing" if start == last else f"entries {start} to {last} are missing"
                yield Fault(start, last, what)
            start = seq + 1


class _Inspection:
    """The state between two entries: the possible links of the last one, and the doubt about it."""

    def __init__(self, nonce: str, confirmed: Container[str]) -> None:
        self.sound: list[Logged] = []
        self.faults: list[Fault] = []
        self._confirmed = confirmed
        self._seq: int | None = None
        self._links: tuple[str, ...] = (nonce,)
        self._doubt: _Doubt | None = None

    def add(self, raw: RawEntry) -> None:
        follows = raw.seq == (self._seq or 0) + 1
        links = self._links if follows else ()
        before = next((link for link in links if next_link(link, raw.data) == raw.link), None)
        self.settle(before)
        is_oldest = self._seq is None and not follows  # of a trimmed log
        self._seq, self._links = raw.seq, (raw.link,) if raw.link else ()
        if before is not None or (is_oldest and raw.link):
            self._keep(raw, raw.link)
            return
        self._doubt = _Doubt(raw, tuple(next_link(link, raw.data) for link in links))
        self._links += self._doubt.computed

    def settle(self, link: str | None) -> None:
        """Decide on the entry in doubt. `link` is the link of it that the next entry follows from, or None."""
        doubt, self._doubt = self._doubt, None
        if doubt is None:
            return
        raw = doubt.raw
        possible = doubt.computed or ((raw.link,) if raw.link else ())
        proven = link if link in possible else next((each for each in possible if self._has_receipt(raw, each)), None)
        if proven is not None:
            self._keep(raw, proven)
        elif doubt.computed:
            detail = f"entry {raw.seq} doesn't link to the one before it: it was changed"
            self.faults.append(Fault(raw.seq, raw.seq, detail))
        else:
            detail = f"entry {raw.seq} links to nothing in this log, and no receipt names it"
            self.faults.append(Fault(raw.seq, raw.seq, detail))

    def _has_receipt(self, raw: RawEntry, link: str) -> bool:
        return str(Position.of(raw.seq, link)) in self._confirmed

    def _keep(self, raw: RawEntry, link: str) -> None:
        try:
            self.sound.append(decode_entry(raw.seq, link, raw.data))
        except LinkError as error:
            self.faults.append(Fault(raw.seq, raw.seq, str(error)))
