"""Sockets that have news together are served in time slices, and the event loop runs in between."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise

from tests.support.waiting import eventually
from ticker.gateway.poller import BATCH, READABLE, SLICE_S, Poller

SOCKETS = 10 * BATCH


class Sockets:
    """Connected sockets that a poller watches. Each user takes a quarter of a slice, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.served: list[int] = []
        self.full_slices = 0
        self.poller = Poller(self._count_full, lambda: self.now)
        self.pairs = [socket.socketpair() for _ in range(SOCKETS)]
        for ours, _ in self.pairs:
            self.poller.add(ours.fileno(), _User(self, ours), READABLE)

    def _count_full(self) -> None:
        self.full_slices += 1

    def close(self) -> None:
        self.poller.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


class _User:
    def __init__(self, sockets: Sockets, ours: socket.socket) -> None:
        self._sockets = sockets
        self._ours = ours

    def on_events(self, events: int) -> None:
        self._sockets.now += SLICE_S / 4
        self._sockets.served.append(events)
        self._sockets.poller.remove(self._ours.fileno())


async def test_sockets_that_break_together_are_served_a_batch_at_a_time() -> None:
    sockets, seen = Sockets(), list[int]()
    try:
        for _, theirs in sockets.pairs:
            theirs.close()
        while len(sockets.served) < SOCKETS:
            seen.append(len(sockets.served))
            await asyncio.sleep(0)
        assert max(after - before for before, after in pairwise(seen)) <= BATCH
        assert len(sockets.poller) == 0
        assert sockets.full_slices >= SOCKETS // BATCH - 1
    finally:
        sockets.close()


async def test_socket_that_another_one_has_removed_is_not_served() -> None:
    sockets = Sockets()
    try:
        (first, theirs), (second, others) = sockets.pairs[:2]
        poller = sockets.poller

        class Remover:
            def on_events(self, events: int) -> None:
                for each in (first, second):
                    poller.remove(each.fileno())

        for each in (first, second):
            poller.remove(each.fileno())
            poller.add(each.fileno(), Remover(), READABLE)
        theirs.send(b"x")
        others.send(b"x")
        await eventually(lambda: len(poller) == SOCKETS - 2, "the first socket is served")
        assert sockets.served == []
    finally:
        sockets.close()
