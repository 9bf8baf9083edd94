"""The reports of parts (see `ticker.core.parts`): a short stream per kind, to which only parts of this kind may append.

So a stolen password of a gateway can't forge the reports of a desk. If a report is lost, the next one replaces it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec
import structlog

from ticker.core.errors import UNREADABLE
from ticker.core.parts import REPORT_S, Kind, Report
from ticker.core.status import Contact
from ticker.store.connection import CLIENT_ERRORS, Redis, close, is_cancelled, is_unreachable
from ticker.store.keys import parts_key
from ticker.store.replies import as_text
from ticker.store.short_streams import KEPT
from ticker.store.streams import START, milliseconds_of, read_newest, read_range

TIMEOUT_S: Final = 2.0
"""Timeout of a report. The client for reports should have this one."""
REFUSED_S: Final = 30.0
"""Interval between two attempts while Redis refuses reports: each one gets into its ACL LOG."""
END_S: Final = 0.5
"""How long the last report of a process may take."""
_FIELD: Final = "report"

_logger = structlog.stdlib.get_logger("ticker.parts")


class PartReporter:
    """Reports one part. `make` returns its report without an id and without an uptime.

    Attributes:
        id: The part's id: random, so that it says nothing about the machine.
        contact: How Redis answers.
        ahead_ms: How far Redis's clock is ahead of this machine's, as far as known.

    """

    def __init__(self, kind: Kind, make: Callable[[], Report]) -> None:
        self.id = secrets.token_hex(4)
        self.contact = Contact()
        self.ahead_ms = 0
        self._kind = kind
        self._make = make
        self._started_at = time.monotonic()

    @property
    def now_ms(self) -> int:
        """The time by Redis's clock, as far as known."""
        return round(time.time() * 1000) + self.ahead_ms

    def current(self) -> Report:
        """Return the part's report of this moment."""
        return msgspec.structs.replace(self._make(), id=self.id, uptime_s=time.monotonic() - self._started_at)

    async def report(self, redis: Redis, *, has_ended: bool = False) -> None:
        """Append a report, and note how Redis answered. Never fails."""
        report = msgspec.structs.replace(self.current(), has_ended=has_ended)
        key, before = parts_key(self._kind), time.monotonic()
        try:
            stream_id = await redis.xadd(key, {_FIELD: msgspec.json.encode(report)}, maxlen=KEPT, approximate=True)
        except (OSError, *CLIENT_ERRORS) as error:
            self._note_failure(error)
        else:
            self.ahead_ms = milliseconds_of(as_text(stream_id)) - round(time.time() * 1000)
            round_trip_ms = round((time.monotonic() - before) * 1000, 1)
            self.contact = Contact(answered_at_ms=self.now_ms, round_trip_ms=round_trip_ms)

    def _note_failure(self, error: Exception) -> None:
        if is_unreachable(error):
            self.contact.failing_since_ms = self.contact.failing_since_ms or self.now_ms
            return
        if not self.contact.refuses:
            # Without the error's text: it may name the address of Redis.
            _logger.warning("part-not-reported", part=self._kind.value, error=type(error).__name__)
        self.contact = Contact(answered_at_ms=self.now_ms, refuses=True)

    @property
    def interval_s(self) -> float:
        return REFUSED_S if self.contact.refuses else REPORT_S

    async def run(self, redis: Redis) -> None:
        """Report until cancelled."""
        while not is_cancelled():
            await self.report(redis)
            await asyncio.sleep(self.interval_s)


@asynccontextmanager
async def reporting(open_client: Callable[[], Redis], kind: Kind, make: Callable[[], Report]) -> AsyncIterator[None]:
    """Report a part during the context, and that it ends at its end.

    `open_client` should make a client with `TIMEOUT_S`. Errors of the context pass through.
    """
    reporter, redis = PartReporter(kind, make), open_client()
    task = asyncio.create_task(reporter.run(redis), name=f"report {kind.value}")
    try:
        yield
    finally:
        task.cancel()
        try:
            await asyncio.gather(task, return_exceptions=True)
            await end_reports(reporter, redis)
        finally:
            await close(redis)


async def end_reports(reporter: PartReporter, redis: Redis) -> None:
    """Report that the part ends, if Redis answers in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            await reporter.report(redis, has_ended=True)


class PartsReader:
    """Reads the reports of all parts, each report once."""

    def __init__(self) -> None:
        self._read_to: dict[Kind, str] = {}

    async def read(self, redis: Redis) -> list[tuple[Kind, Report, int]]:
        """Return the new reports with the times at which Redis got them, the oldest first. Skip invalid ones."""
        return [each for kind in Kind for each in await self._read(redis, kind)]

    async def _read(self, redis: Redis, kind: Kind) -> list[tuple[Kind, Report, int]]:
        key, read_to = parts_key(kind), self._read_to.get(kind, START)
        if read_to == START:
            entries = (await read_newest(redis, key, KEPT))[::-1]
        else:
            entries = await read_range(redis, key, first=f"({read_to}", count=KEPT)
        if entries:
            self._read_to[kind] = entries[-1][0]
        reports = []
        for stream_id, fields in entries:
            with suppress(*UNREADABLE):
                report = msgspec.json.decode(fields.get(_FIELD.encode(), b""), type=Report)
                if report.id:  # a forged report may lack it
                    reports.append((kind, report, milliseconds_of(stream_id)))
        return reports
