"""Ranks: followers in step, written to by their descriptors alone.

Most followers of a view have been sent the same entries, and their transports hold nothing. What they lack next is the
same, and goes straight to their sockets: of each follower only the descriptor is touched. In a pass over thousands,
memory that nobody has touched for a second costs more time than what is done with it.

The kernel gives a descriptor to another connection once this one is closed. So a follower is in a rank only while its
transport is bound to tell it before that: uvloop and asyncio call `connection_lost` first and close the descriptor
afterwards, whoever ends the connection, and how; and `connection_lost` takes it out. Nor may bytes overtake others:
whoever writes to the transport takes the follower out first, and it comes back when the transport is empty.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from os import sendfile, write
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ticker.gateway.follower import Follower
    from ticker.gateway.frame_cache import View

RANK_MOST: Final = 64
"""Followers in a rank. It is written to in one step of the loop: 0.5 ms for a line, a few for what a burst left."""


SHEET_LEAST: Final = 16 * 1024
"""Bytes from which on the kernel sends pages of a file for less than it copies bytes."""
SHEET_MEMBERS: Final = 8
"""For fewer, writing the file costs more than it saves."""


class Sheet:
    """A file in memory with what many are sent at the moment: the kernel sends its pages and copies them for nobody."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._data = b""
        with suppress(OSError, AttributeError):  # it is forbidden here, or another system
            self._descriptor = os.memfd_create("ticker-sheet")

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def of(self, data: bytes) -> int | None:
        """The descriptor of the file, which has `data` now; None where there is no such file, or no memory for it."""
        if self._descriptor is None or self._data is data:
            return self._descriptor
        self._data = b""
        with suppress(OSError):
            # Cut to nothing, and not written over: what is on its way to somebody are the pages that it had until now.
            os.ftruncate(self._descriptor, 0)
            if os.pwrite(self._descriptor, data, 0) == len(data):
                self._data = data
                return self._descriptor
        return None


class Rank:
    """Followers of one view in one place of the log: `cursor` is theirs, and so is `sent`."""

    __slots__ = ("cursor", "descriptors", "members", "sent", "view")

    def __init__(self, view: View, cursor: int) -> None:
        self.view = view
        self.cursor = cursor
        self.sent = 0
        self.descriptors = array("i")
        self.members: list[Follower] = []

    def add(self, follower: Follower, descriptor: int) -> None:
        follower.rank, follower.place = self, len(self.members)
        self.members.append(follower)
        self.descriptors.append(descriptor)
        self.sent = max(self.sent, follower.sent)

    def remove(self, follower: Follower) -> None:
        """Let a member go, with the cursor that it has reached; the last one takes its place."""
        last, descriptor, place = self.members.pop(), self.descriptors.pop(), follower.place
        if last is not follower:
            self.members[place], self.descriptors[place], last.place = last, descriptor, place
        follower.rank = None
        follower.cursor, follower.sent = self.cursor, self.sent

    def write(self, data: bytes, sheet: Sheet) -> list[tuple[Follower, int]]:
        """Write to every member; tell whose socket didn't take all of it, and how many bytes it took."""
        size = len(data)
        source = sheet.of(data) if size >= SHEET_LEAST and len(self.members) >= SHEET_MEMBERS else None
        short: list[tuple[Follower, int]] = []
        for descriptor in self.descriptors:
            try:
                taken = write(descriptor, data) if source is None else sendfile(descriptor, source, 0, size)
            except OSError:  # it is full, or its peer is gone: the transport will find out which
                taken = 0
            if taken != size:
                short.append((self.members[self.descriptors.index(descriptor)], taken))
        return short


class Cohort:
    """The followers whose heartbeats are due in the same second: each in a rank of its view, or alone.

    Alone is who is somewhere else in the log, whose transport holds something, or who can't be written to past it.
    """

    __slots__ = ("_ranks", "_sheet", "alone")

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.alone: dict[Follower, None] = {}
        self._ranks: dict[View, list[Rank]] = {}

    def __iter__(self) -> Iterator[Follower]:
        yield from self.alone
        for rank in self.ranks():
            yield from rank.members

    def __len__(self) -> int:
        return len(self.alone) + sum(len(rank.members) for rank in self.ranks())

    def ranks(self) -> list[Rank]:
        """The ranks at this moment. One that is emptied later stays in such a list, as one that nobody is in."""
        return [rank for ranks in self._ranks.values() for rank in ranks]

    def remove(self, follower: Follower) -> bool:
        """Have no more to do with a follower; tell whether it was here."""
        if follower.rank is not None:
            self.fall_out(follower)
        was_here = follower in self.alone
        self.alone.pop(follower, None)
        return was_here

    def fall_in(self, follower: Follower, descriptor: int) -> None:
        """Put one that is alone in a rank of those who are where it is."""
        del self.alone[follower]
        ranks = self._ranks.setdefault(follower.view, [])
        if not ranks or ranks[-1].cursor != follower.cursor or len(ranks[-1].members) == RANK_MOST:
            ranks.append(Rank(follower.view, follower.cursor))
        ranks[-1].add(follower, descriptor)

    def fall_out(self, follower: Follower) -> None:
        """Take a follower out of its rank: from now on it is alone."""
        rank = follower.rank
        assert rank is not None, "only who is in a rank falls out"
        rank.remove(follower)
        self.alone[follower] = None
        if not rank.members:
            ranks = self._ranks[rank.view]
            ranks.remove(rank)
            if not ranks:
                del self._ranks[rank.view]

    def write(self, rank: Rank, data: bytes) -> None:
        """Write to all of a rank. Who doesn't take all of it falls out, and its transport has the rest."""
        for follower, taken in rank.write(data, self._sheet):
            self.fall_out(follower)
            # A view and no copy: what a peer doesn't read is then still the bytes that all share.
            follower.transport.write(memoryview(data)[taken:] if taken else data)

    def dissolve(self, rank: Rank) -> None:
        """Have everybody of a rank alone."""
        for follower in list(rank.members):
            self.fall_out(follower)
