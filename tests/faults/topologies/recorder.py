"""Record the log of each server of a topology, so that entries can be compared after a failover has lost them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Final

from tests.faults.invariants.histories import Histories
from ticker.core.entry import RawEntry
from ticker.store.connection import CLIENT_ERRORS, Redis, connect, is_cancelled
from ticker.store.editions import load_edition
from ticker.store.log_reader import read_log

EVERY_S: Final = 0.1
TIMEOUT_S: Final = 1.0


class Recorder:
    """Reads the logs of several servers. Two of them may accept entries at the same time: the histories then part."""

    def __init__(self, urls: Mapping[str, str], histories: Histories, edition: str = "en") -> None:
        self._urls = urls
        self._histories = histories
        self._edition = edition

    async def run(self) -> None:
        """Record until cancelled."""
        async with asyncio.TaskGroup() as group:
            for url in self._urls.values():
                group.create_task(self._record(url))

    async def _record(self, url: str) -> None:
        async with aclosing(connect(url, role="ticker", timeout_s=TIMEOUT_S)) as redis:
            last: RawEntry | None = None
            while not is_cancelled():
                with suppress(OSError, *CLIENT_ERRORS):
                    last = await self._read_on(redis, last)
                await asyncio.sleep(EVERY_S)

    async def _read_on(self, redis: Redis, last: RawEntry | None) -> RawEntry | None:
        """Record the entries after `last`, or the whole log if it has changed. Return its last entry."""
        if last is not None:
            page = await read_log(redis, self._edition, last.seq - 1)
            if page and (page[0].seq, page[0].link) == (last.seq, last.link):
                self._histories.add(page[1:])
                return page[-1]
        stored = await load_edition(redis, self._edition)
        if stored is not None:
            self._histories.add_nonce(stored.nonce)
        raws: list[RawEntry] = []
        while page := await read_log(redis, self._edition, raws[-1].seq if raws else 0):
            raws += page
        self._histories.add(raws)
        return raws[-1] if raws else None
