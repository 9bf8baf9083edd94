"""Watch the sockets of followers with an epoll of our own, in time slices.

uvloop reports every socket that has news in one iteration of the event loop. When thousands of connections break
together, nothing else runs until it has called all of them. It also keeps a kilobyte per socket.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

SLICE_S: Final = 0.002
"""Time after which the poller, and whatever else uses it, yields to the event loop."""
BATCH: Final = 32
"""How many sockets one call of the kernel reports. They are all served before the clock is read again."""
READABLE: Final = 0x1
WRITABLE: Final = 0x4
"""Events (`EPOLLIN` and `EPOLLOUT`, which the module `select` has only on Linux)."""
IS_SUPPORTED: Final = hasattr(select, "epoll")
"""Whether the system has epoll: Linux does."""


class Watched(Protocol):
    """A user of a socket."""

    def on_events(self, events: int) -> None:
        """React to events of `epoll(7)`. They come again until the cause has gone."""


class Poller:
    """Calls the users of sockets when these can be read or written. The event loop watches all of them as one file.

    Only use it in the event loop in which it was created. A descriptor that is closed while its socket is watched must
    not be added again before the current batch is over: an event of the old socket would be reported for the new one.
    """

    def __init__(self, on_full: Callable[[], None] = lambda: None, clock: Callable[[], float] = monotonic) -> None:
        """Watch nothing yet. Call `on_full` when a time slice ends and more sockets have news.

        Raises:
            OSError: If the system allows no more files.

        """
        self._on_full = on_full
        self._clock = clock
        self._epoll = select.epoll()
        self._watched: dict[int, Watched] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._serve)

    def __len__(self) -> int:
        return len(self._watched)

    def add(self, descriptor: int, user: Watched, events: int) -> None:
        """Watch a socket for `events`. Errors and the end of the connection are reported in any case."""
        self._epoll.register(descriptor, events)
        self._watched[descriptor] = user

    def replace(self, descriptor: int, user: Watched) -> None:
        """Report the events of a watched socket to another user, without a call of the kernel."""
        self._watched[descriptor] = user

    def change(self, descriptor: int, events: int) -> None:
        """Watch a socket for other events."""
        self._epoll.modify(descriptor, events)

    def remove(self, descriptor: int) -> None:
        """Stop watching a socket. Call this before it is closed."""
        del self._watched[descriptor]
        self._epoll.unregister(descriptor)

    def discard(self, descriptor: int) -> None:
        """Stop watching a socket, if it is watched."""
        if descriptor in self._watched:
            self.remove(descriptor)

    def close(self) -> None:
        """Stop watching everything."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._watched.clear()

    def _serve(self) -> None:
        ends_at = self._clock() + SLICE_S
        while True:
            found = self._epoll.poll(0, BATCH)
            for descriptor, events in found:
                user = self._watched.get(descriptor)
                if user is not None:  # otherwise an earlier one in this batch has closed it
                    user.on_events(events)
            if len(found) < BATCH:
                return
            if self._clock() >= ends_at:
                self._on_full()
                return
