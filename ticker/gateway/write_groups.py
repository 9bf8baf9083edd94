"""Write groups: followers at the same cursor, written to by file descriptor.

Most followers with the same selection and framing are at the same entry, and their write buffers are empty. They need
the same bytes next, so the gateway writes these directly to the sockets. It touches nothing of a follower but its
descriptor: in a pass over thousands of followers, loading memory that left the processor's caches costs more than the
work itself.

Two rules make this safe:

- The kernel reuses a descriptor after its connection is closed. A follower is therefore in a group only as long as its
  connection is open. uvloop and asyncio call `connection_lost` before they close the descriptor, in all cases, and
  `connection_lost` removes the follower from its group.
- Bytes must not overtake others. A follower leaves its group before anything is written to its transport. It rejoins
  once its write buffer is empty.
"""

from __future__ import annotations

import asyncio
import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Generic, Self, TypeVar

from ticker.gateway.frame_cache import FrameCache
from ticker.gateway.send_all import send_all

GROUP_MAX: Final = 64
"""Maximum number of followers in a group. It is written to in one iteration of the event loop: 0.5 ms for a line, a few
ms for the rest of a burst."""
SENDFILE_BYTES_MIN: Final = 16 * 1024
"""From this size on, sending pages of a file costs the kernel less than copying the bytes."""
SENDFILE_MEMBERS_MIN: Final = 8
"""In smaller groups, writing the file costs more than it saves."""


class MemoryFile:
    """A file in memory that holds the bytes of the current write. The kernel sends its pages without copying them."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._data = b""
        with suppress(OSError, AttributeError):  # forbidden by the system's administrator, or not Linux
            self._descriptor = os.memfd_create("ticker-frames")

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def hold(self, data: bytes) -> int | None:
        """Put `data` into the file. Return its descriptor, or None without a file or enough memory."""
        if self._descriptor is None or self._data is data:
            return self._descriptor
        self._data = b""
        with suppress(OSError):
            # Truncate and don't overwrite: sockets may still be sending the old pages.
            os.ftruncate(self._descriptor, 0)
            if os.pwrite(self._descriptor, data, 0) == len(data):
                self._data = data
                return self._descriptor
        return None


class Member(asyncio.Protocol):
    """The part of a follower that its write group uses.

    Attributes:
        transport: Its connection.
        frame_cache: The frames that it shares with followers of the same selection and framing.
        cursor: The seq of the last entry that was written to it. In a group, the group's cursor counts.
        sent: The cursor after its last written entry. Entries that the selection leaves out move only the cursor.
        slot: Its heartbeat slot.
        group: Its write group, or None.
        place: Its index in the group.

    """

    __slots__ = ("cursor", "frame_cache", "group", "place", "sent", "slot", "transport")

    group: WriteGroup[Self] | None
    slot: HeartbeatSlot[Self]

    def __init__(self, transport: asyncio.Transport, frame_cache: FrameCache, slot: HeartbeatSlot[Self]) -> None:
        self.transport = transport
        self.frame_cache = frame_cache
        self.slot = slot
        self.cursor = 0
        self.sent = 0
        self.group = None
        self.place = 0


M = TypeVar("M", bound=Member)


class WriteGroup(Generic[M]):
    """Followers with one frame cache and at one `cursor`. `sent` is the cursor after the last entry written to them."""

    __slots__ = ("cursor", "descriptors", "frame_cache", "members", "sent")

    def __init__(self, frame_cache: FrameCache, cursor: int) -> None:
        self.frame_cache = frame_cache
        self.cursor = cursor
        self.sent = 0
        self.descriptors = array("i")
        self.members: list[M] = []

    def add(self, follower: M, descriptor: int) -> None:
        """Add a follower that is at the group's cursor. `descriptor` is its socket's."""
        follower.group, follower.place = self, len(self.members)
        self.members.append(follower)
        self.descriptors.append(descriptor)
        self.sent = max(self.sent, follower.sent)

    def remove(self, follower: M) -> None:
        """Remove a member and give it the group's cursor. The last member takes its place."""
        last, descriptor, place = self.members.pop(), self.descriptors.pop(), follower.place
        if last is not follower:
            self.members[place], self.descriptors[place], last.place = last, descriptor, place
        follower.group = None
        follower.cursor, follower.sent = self.cursor, self.sent

    def write(self, data: bytes, file: MemoryFile) -> list[tuple[M, int]]:
        """Write `data` to every member.

        Return the members whose socket accepted only part of it, with the number of bytes accepted.
        """
        use_file = len(data) >= SENDFILE_BYTES_MIN and len(self.members) >= SENDFILE_MEMBERS_MIN
        source = file.hold(data) if use_file else None
        partial = send_all(self.descriptors, data, source)
        return [(self.members[place], accepted) for place, accepted in partial]


class HeartbeatSlot(Generic[M]):
    """The followers whose heartbeat is due in the same second.

    Each is either in a write group or in `singles`. A single follower is elsewhere in the log, has bytes in its write
    buffer, or has a transport that can't be bypassed.
    """

    __slots__ = ("_file", "_groups", "singles")

    def __init__(self, file: MemoryFile) -> None:
        self._file = file
        self.singles: dict[M, None] = {}
        self._groups: dict[FrameCache, list[WriteGroup[M]]] = {}

    def __iter__(self) -> Iterator[M]:
        yield from self.singles
        for group in self.groups():
            yield from group.members

    def groups(self) -> list[WriteGroup[M]]:
        """Return the current groups. A group in this list may become empty later."""
        return [group for groups in self._groups.values() for group in groups]

    def remove(self, follower: M) -> None:
        """Remove a follower, if it is in this slot."""
        if follower.group is not None:
            self.leave_group(follower)
        self.singles.pop(follower, None)

    def join_group(self, follower: M, descriptor: int) -> None:
        """Move a single follower into a group at its cursor. Start a new group if the last one is full."""
        del self.singles[follower]
        groups = self._groups.setdefault(follower.frame_cache, [])
        if not groups or groups[-1].cursor != follower.cursor or len(groups[-1].members) == GROUP_MAX:
            groups.append(WriteGroup(follower.frame_cache, follower.cursor))
        groups[-1].add(follower, descriptor)

    def leave_group(self, follower: M) -> None:
        """Move a follower out of its group."""
        group = follower.group
        assert group is not None, "the follower is in a group"
        group.remove(follower)
        self.singles[follower] = None
        if not group.members:
            groups = self._groups[group.frame_cache]
            groups.remove(group)
            if not groups:
                del self._groups[group.frame_cache]

    def write(self, group: WriteGroup[M], data: bytes) -> None:
        """Write `data` to all members of a group.

        A follower whose socket accepts only part of it leaves the group. Its transport sends the rest.
        """
        for follower, accepted in group.write(data, self._file):
            self.leave_group(follower)
            # A memoryview doesn't copy: a transport with unsent bytes refers to the bytes that all followers share.
            follower.transport.write(memoryview(data)[accepted:] if accepted else data)

    def dissolve(self, group: WriteGroup[M]) -> None:
        """Make every member of a group a single follower."""
        for follower in list(group.members):
            self.leave_group(follower)
