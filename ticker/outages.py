"""Log an outage once: a warning when it begins, a line when it ends, and a counter in between.

While Redis is away, every part of a process fails and retries, several times per second. A line for each failure would
hide everything else.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import msgspec
import structlog

from ticker.redis_fault import RedisFault

_logger = structlog.stdlib.get_logger("ticker.outages")


class _Outage(msgspec.Struct):
    subject: str
    since: float
    failures: int = 0
    parts: set[tuple[str, str]] = msgspec.field(default_factory=set)


class Outages:
    """The outages of one process. A part is an edition's desk or feed, for example.

    Args:
        is_reported: Another part of the process warns when Redis is away, as the embedded server does. An outage of
            Redis is then logged at the level `info`.
        clock: Returns seconds of a clock that never goes back.

    Attributes:
        failures: Failures of all parts since the start.
        redis_faults: Those of them that Redis caused, by reason.

    """

    def __init__(self, *, is_reported: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0
        self.redis_faults: Counter[RedisFault] = Counter()
        self._is_reported = is_reported
        self._clock = clock
        self._outages: dict[str, _Outage] = {}
        self._causes: dict[tuple[str, str], str] = {}

    @property
    def is_redis_away(self) -> bool:
        """Whether a part of this process can't reach Redis now."""
        return "redis" in self._outages

    def fail(self, part: str, edition: str, reason: str, *, is_redis: bool, fault: RedisFault | None = None) -> None:
        """Count a failure of a part, and log it if it begins an outage.

        Failures because Redis is away (`is_redis`) are one outage, whatever the reason. Otherwise the failures of one
        part with the same reason are, in all editions. `fault` is the reason for which Redis refused a command, if it
        did.
        """
        self.failures += 1
        fault = RedisFault.UNREACHABLE if is_redis else fault
        if fault is not None:
            self.redis_faults[fault] += 1
        cause = "redis" if is_redis else f"{part}: {reason}"
        if self._causes.get((part, edition), cause) != cause:
            self.recover(part, edition)
        outage = self._outages.get(cause)
        if outage is None:
            outage = self._outages[cause] = _Outage("redis" if is_redis else part, self._clock())
            event = f"{outage.subject}-interrupted"
            if is_redis and self._is_reported:
                _logger.info(event, part=part, edition=edition, reason=reason)
            else:
                _logger.warning(event, part=part, edition=edition, reason=reason)
        outage.failures += 1
        outage.parts.add((part, edition))
        self._causes[part, edition] = cause

    def recover(self, part: str, edition: str) -> None:
        """Note that a part works. Log the end of its outage, if it was the last part that failed."""
        cause = self._causes.pop((part, edition), None)
        if cause is None:
            return
        outage = self._outages[cause]
        outage.parts.discard((part, edition))
        if not outage.parts:
            del self._outages[cause]
            event, lasted_s = f"{outage.subject}-recovered", round(self._clock() - outage.since, 1)
            _logger.info(event, part=part, lasted_s=lasted_s, failures=outage.failures)
