"""Report verdicts to Redis, for `tick reach`. A relay works without it: reports wait, and the oldest are dropped."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import Final

import structlog

from ticker.backoff import Backoff
from ticker.relay.records import Report
from ticker.store.connection import CLIENT_ERRORS, connect, explain
from ticker.store.relays import StoredVerdict, report_verdict

_logger = structlog.stdlib.get_logger("ticker.relay")

WAITING_MOST: Final = 1_000


class RedisReports:
    """Sends reports to the Redis at `url`. Its user may append to `relays`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: deque[tuple[str, StoredVerdict]] = deque(maxlen=WAITING_MOST)
        self._has_waiting = asyncio.Event()

    def add(self, receiver: str, edition: str, report: Report) -> None:
        """Report a verdict soon. Never blocks or fails."""
        verdict = StoredVerdict(receiver, report.line, report.version, str(report.verdict), report.reason)
        self._waiting.append((edition, verdict))
        self._has_waiting.set()

    async def run(self) -> None:
        """Send the reports until cancelled. Retry for ever if Redis is away."""
        backoff = Backoff(1.0, 60.0)
        async with aclosing(connect(self._url, role="relay")) as redis:
            while True:
                await self._has_waiting.wait()
                self._has_waiting.clear()
                while self._waiting:
                    edition, verdict = self._waiting[0]
                    try:
                        await report_verdict(redis, edition, verdict)
                    except (OSError, *CLIENT_ERRORS) as error:
                        _logger.warning("verdict-not-reported", reason=explain(error, self._url))
                        await asyncio.sleep(backoff.next_s())
                        continue
                    backoff.reset()
                    if self._waiting and self._waiting[0][1] is verdict:
                        self._waiting.popleft()
