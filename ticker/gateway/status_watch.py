"""The status of the whole system, as one gateway knows it.

The gateway reports itself to the others, and reads the reports of all parts while somebody looks at the status page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from ticker.core.edition import in_order
from ticker.core.parts import SILENT_MS, Kind, Report, SeenParts
from ticker.core.status import Contact, SystemStatus, system_status
from ticker.store.connection import CLIENT_ERRORS, Redis, close, connect, is_cancelled
from ticker.store.parts import TIMEOUT_S, PartReporter, PartsReader, end_reports

WATCHED_S: Final = 15.0
"""How long after the last request for the status the reports are still read."""
FIRST_READ_S: Final = 1.0
"""How long the first request waits for the reports of the other parts."""


class StatusWatch:
    """What one gateway knows about the whole system.

    Without requests, it costs one report per `REPORT_S`. Nothing here is on the path of a delivery.

    Args:
        report: Returns the gateway's own report.
        editions: The names of the editions that exist. They may change.

    """

    def __init__(self, report: Callable[[], Report], editions: Collection[str]) -> None:
        self._editions = editions
        self._reporter = PartReporter(Kind.GATEWAY, report)
        self._seen = SeenParts()
        self._reader = PartsReader()
        self._watched_until = 0.0
        self._wake = asyncio.Event()
        self._has_read = asyncio.Event()

    @property
    def id(self) -> str:
        """The gateway's id in its reports."""
        return self._reporter.id

    @property
    def contact(self) -> Contact:
        """How Redis answers."""
        return self._reporter.contact

    async def status(self) -> SystemStatus:
        """Return the status of the system. The first call waits shortly for the reports of the other parts."""
        loop = asyncio.get_running_loop()
        is_first = loop.time() >= self._watched_until
        self._watched_until = loop.time() + WATCHED_S
        if is_first:
            self._wake.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_READ_S):
                    await self._has_read.wait()
        now_ms = self._reporter.now_ms
        # Its own figures are those of this moment, also while Redis is away.
        self._add(Kind.GATEWAY, self._reporter.current(), now_ms)
        return system_status(self._seen, self.contact, in_order(self._editions), self.id, now_ms)

    async def run(self, url: str) -> None:
        """Report, and read reports while the status is watched. Runs until cancelled, and then reports the end."""
        redis = connect(url, role="gateway", timeout_s=TIMEOUT_S)
        try:
            while not is_cancelled():
                self._wake.clear()
                await self._reporter.report(redis)
                await self._read(redis)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._reporter.interval_s):
                        await self._wake.wait()
        finally:
            try:
                await end_reports(self._reporter, redis)
            finally:
                await close(redis)

    async def _read(self, redis: Redis) -> None:
        if asyncio.get_running_loop().time() >= self._watched_until:
            # The next viewer gets the history from Redis again.
            self._seen, self._reader = SeenParts(), PartsReader()
            self._has_read.clear()
            return
        with suppress(OSError, *CLIENT_ERRORS):
            for kind, report, at_ms in await self._reader.read(redis):
                self._add(kind, report, at_ms)
        self._has_read.set()

    def _add(self, kind: Kind, report: Report, at_ms: int) -> None:
        # Only a process that chooses the ids of stream entries itself can report from the future.
        if at_ms <= self._reporter.now_ms + SILENT_MS:
            self._seen.add(kind, report, at_ms, self._editions)
