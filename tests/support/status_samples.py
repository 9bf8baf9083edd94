"""Made-up systems for the status page: one that works, and one in which much is broken."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

import msgspec

from ticker.core.parts import (
    LATENCY_BOUNDS_MS,
    STEP_MS,
    STEPS,
    Condition,
    EditionReport,
    Kind,
    Report,
    SeenParts,
)
from ticker.core.status import Contact, SystemStatus, system_status

NOW: Final = 1_795_705_200_000
"""2026-11-26 15:00 UTC. A multiple of the history's step."""
EDITIONS: Final = ("en", "ar", "es")
SHARES: Final = {"en": 8_012, "ar": 5_120, "es": 1_850}
MINUTE_MS: Final = 60_000
_BURSTS: Final = frozenset({4, 5, 9, 17, 18, 19, 26, 33, 34, 41, 48, 49, 50, 57})
"""The steps in which lines came."""

Conditions = Mapping[str, Condition]


def add_latency(latencies: list[int], ms: float, count: int) -> None:
    """Count entries that took `ms`."""
    latencies[bisect_left(LATENCY_BOUNDS_MS, ms)] += count


class Sample(msgspec.Struct, frozen=True):
    """A system at a time."""

    now_ms: int
    contact: Contact
    seen: SeenParts

    def status(self) -> SystemStatus:
        return system_status(self.seen, self.contact, EDITIONS, "3522ec62", self.now_ms)

    def later(self, seconds: int, readers: int) -> Sample:
        """Return the system after some seconds, with so many readers in all."""
        now_ms = self.now_ms + 1000 * seconds
        seen = SeenParts()
        for part in self.seen.known(now_ms):
            figures = {}
            if part.kind is Kind.GATEWAY:
                first = {"en": readers} if part.report.id == "3522ec62" else {}
                figures = {
                    "editions": {name: EditionReport(Condition.OK, readers=first.get(name, 0)) for name in EDITIONS}
                }
            report = msgspec.structs.replace(part.report, uptime_s=part.report.uptime_s + seconds, **figures)
            seen.add(part.kind, report, now_ms, EDITIONS)
        return Sample(now_ms, self.contact, seen)


def _add_gateway(seen: SeenParts, id_: str, share: float, conditions: Conditions, silent_ms: int = 0) -> None:
    """Add the reports of a gateway over the whole history. `silent_ms` are missing at its end."""
    deliveries, latencies = dict.fromkeys(EDITIONS, 0), [0] * len(LATENCY_BOUNDS_MS)
    for step in range(STEPS + 2):
        at_ms = NOW - (STEPS + 1 - step) * STEP_MS
        if at_ms > NOW - silent_ms:
            return
        growth = 0.62 + 0.38 * min(step, 45) / 45
        readers = {name: round(count * share * growth) for name, count in SHARES.items()}
        for name in EDITIONS if step in _BURSTS else ():
            lines = 1 + (step + len(name)) % 3
            deliveries[name] += lines * readers[name]
            add_latency(latencies, 4 + 3 * (step % 4), round(lines * readers[name] * 0.94))
            add_latency(latencies, 9 + 9 * (step % 5), round(lines * readers[name] * 0.06))
        editions = {
            name: EditionReport(conditions.get(name, Condition.OK), readers[name], deliveries[name])
            for name in EDITIONS
        }
        uptime_s = 400_000.0 + (STEPS + 1) * STEP_MS / 1000 * share + step * STEP_MS / 1000
        report = Report(id=id_, uptime_s=uptime_s, editions=editions, readers_max=18_000, latencies=tuple(latencies))
        seen.add(Kind.GATEWAY, report, at_ms, EDITIONS)


def _desk(id_: str, uptime_s: float, conditions: Conditions) -> Report:
    editions = {name: EditionReport(condition) for name, condition in conditions.items()}
    return Report(id=id_, uptime_s=uptime_s, editions=editions)


def _fine() -> Sample:
    seen = SeenParts()
    seen.add(Kind.DESK, _desk("1c023ef3", 1_300_000, dict.fromkeys(EDITIONS, Condition.OK)), NOW - 400, EDITIONS)
    _add_gateway(seen, "3522ec62", 0.55, {})
    _add_gateway(seen, "b01f77c9", 0.45, {})
    seen.add(Kind.API, Report(id="77aa10d2", uptime_s=90_000, waiting=1), NOW - 900, EDITIONS)
    seen.add(Kind.RELAY, Report(id="e4c55b08", uptime_s=5_400, waiting=0), NOW - 1_300, EDITIONS)
    return Sample(NOW, Contact(answered_at_ms=NOW - 300, round_trip_ms=0.4), seen)


def _broken() -> Sample:
    """Redis has been away for a moment; a desk and a gateway are dead; a log is damaged."""
    seen = SeenParts()
    dead = {"en": Condition.OK}
    seen.add(Kind.DESK, _desk("1c023ef3", 1_300_000, dead), NOW - 4 * MINUTE_MS, EDITIONS)
    seen.add(Kind.DESK, _desk("90aa34e1", 800, {"ar": Condition.OK, "es": Condition.OK}), NOW - 500, EDITIONS)
    _add_gateway(seen, "3522ec62", 0.55, {"ar": Condition.WAITING, "es": Condition.FAULT})
    _add_gateway(seen, "b01f77c9", 0.45, {"es": Condition.FAULT})
    _add_gateway(seen, "dd40a1f6", 0.2, {}, 2 * MINUTE_MS)
    seen.add(Kind.RELAY, Report(id="e4c55b08", uptime_s=5_400, waiting=12, given_up=2), NOW - 1_300, EDITIONS)
    seen.add(Kind.API, Report(id="77aa10d2", uptime_s=90_000, has_ended=True), NOW - 20_000, EDITIONS)
    return Sample(NOW, Contact(answered_at_ms=NOW - 9_000, failing_since_ms=NOW - 7_000), seen)


FINE: Final = _fine()
BROKEN: Final = _broken()
