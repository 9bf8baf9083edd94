"""The parts of a running system as they report themselves, and the figures of the last minutes. Pure.

A part is a process: a desk, a gateway, a posting part or a relay. It reports every `REPORT_S`. A report has figures
only: no text, no editor, no address. Times are milliseconds since 1970 by the clock of Redis, so that the clocks of the
parts don't matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

REPORT_S: Final = 2.0
"""Interval between two reports of a part."""
SILENT_MS: Final = 8_000
"""A part without a report for this long is silent: four reports are missing."""
FORGET_MS: Final = 600_000
"""How long a silent part stays known."""
ENDED_MS: Final = 60_000
"""How long a part that has ended stays known."""
PARTS_MAX: Final = 500
"""Maximum number of known parts. Further ones are ignored."""
STEP_MS: Final = 5_000
STEPS: Final = 60
"""The history has a value per 5 seconds, for five minutes."""
LATENCY_BOUNDS_MS: Final = (
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0),
    *(250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0),
)
"""Upper bounds of the classes of latencies: those of the metrics' histograms. The last class also has all above it."""

_Figure = Annotated[int, Meta(ge=0, le=2**53)]
_LATENCIES: Final = len(LATENCY_BOUNDS_MS)


class Kind(StrEnum):
    """The kinds of parts."""

    DESK = "desk"
    GATEWAY = "gateway"
    API = "api"
    RELAY = "relay"


class Condition(StrEnum):
    """The condition of an edition in one part."""

    OK = "ok"  # a desk publishes, a gateway follows the log
    WAITING = "waiting"  # not now: the part loads it, or Redis is away
    FAULT = "fault"  # the log doesn't verify, or the settings contradict the edition


class EditionReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edition in one part. Only gateways have readers and deliveries; the latter count since the start."""

    condition: Condition
    readers: _Figure = 0
    deliveries: _Figure = 0


class Report(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The report of a part about itself.

    Attributes:
        id: Eight random hex digits: a process has the same from its start to its end.
        uptime_s: How long the process has run. It orders the reports of a part.
        has_ended: This is the last report: the process ends as it should.
        draining: A gateway closes its readers' connections.
        readers_max: The most readers of a gateway.
        latencies: The entries that a gateway has written since its start, by the time since their submission: one
            number per class of `LATENCY_BOUNDS_MS`.
        waiting: The deliveries that wait in a relay, or the requests that wait in a posting part.
        given_up: The deliveries that a relay gave up.
        disabled: The receivers of a relay that want no more messages.

    """

    id: Annotated[str, Meta(pattern="^[0-9a-f]{8}$")] = ""
    uptime_s: Annotated[float, Meta(ge=0, le=1e10)] = 0.0
    has_ended: bool = False
    draining: bool = False
    editions: Annotated[dict[str, EditionReport], Meta(max_length=1_000)] = {}
    readers_max: _Figure = 0
    latencies: Annotated[tuple[_Figure, ...], Meta(max_length=_LATENCIES)] = ()
    waiting: _Figure = 0
    given_up: _Figure = 0
    disabled: _Figure = 0


class SeenPart(msgspec.Struct, frozen=True):
    """A part, its newest report, and when Redis got that."""

    kind: Kind
    report: Report
    at_ms: int

    def is_silent(self, now_ms: int) -> bool:
        """Return whether reports are missing. A part that has ended is not silent."""
        return not self.report.has_ended and now_ms - self.at_ms > SILENT_MS

    def is_forgotten(self, now_ms: int) -> bool:
        return now_ms - self.at_ms > (ENDED_MS if self.report.has_ended else FORGET_MS)

    def reports(self, now_ms: int) -> bool:
        """Return whether the part runs as far as anybody knows."""
        return not self.report.has_ended and not self.is_silent(now_ms)


class Step(msgspec.Struct):
    """The figures of `STEP_MS`. `readers` are those of each gateway, `deliveries` those of each edition."""

    readers: dict[str, int] = {}
    deliveries: Counter[str] = msgspec.field(default_factory=Counter)
    latencies: list[int] = msgspec.field(default_factory=lambda: [0] * _LATENCIES)


class SeenParts:
    """The parts that have reported, and the history of the gateways' figures."""

    def __init__(self) -> None:
        self._parts: dict[str, SeenPart] = {}
        self._steps: dict[int, Step] = {}

    def add(self, kind: Kind, report: Report, at_ms: int, editions: Collection[str]) -> None:
        """Add a report. `editions` are those that exist: nothing is kept of others.

        A report that isn't newer than the last one of its part is ignored.
        """
        before = self._parts.get(report.id)
        if before is None and len(self._parts) >= PARTS_MAX:
            return
        if before is not None and (before.kind is not kind or before.report.uptime_s >= report.uptime_s):
            return
        self._parts[report.id] = SeenPart(kind, report, at_ms)
        if kind is Kind.GATEWAY:
            self._add_figures(report, None if before is None else before.report, at_ms, editions)

    def _add_figures(self, report: Report, before: Report | None, at_ms: int, editions: Collection[str]) -> None:
        number = at_ms // STEP_MS
        if number not in self._steps:
            self._steps[number] = Step()
            for old in [each for each in self._steps if each < max(self._steps) - STEPS]:
                del self._steps[old]
        step = self._steps.get(number)
        if step is None:  # older than the history
            return
        step.readers[report.id] = 0 if report.has_ended else sum(each.readers for each in report.editions.values())
        if before is None:
            return  # what it delivered before is of an unknown time
        for name, now in report.editions.items():
            if name in editions:
                then = before.editions.get(name)
                step.deliveries[name] += max(now.deliveries - (0 if then is None else then.deliveries), 0)
        for place, count in enumerate(report.latencies):
            step.latencies[place] += max(count - (before.latencies[place : place + 1] or (0,))[0], 0)

    def known(self, now_ms: int) -> list[SeenPart]:
        """Return the known parts by kind, the longest-running first. Forget those that were silent for long."""
        for each in [each for each in self._parts.values() if each.is_forgotten(now_ms)]:
            del self._parts[each.report.id]
        kinds = list(Kind)
        return sorted(
            self._parts.values(), key=lambda each: (kinds.index(each.kind), -each.report.uptime_s, each.report.id)
        )

    def steps(self, now_ms: int) -> list[Step | None]:
        """Return the last `STEPS` complete steps, the oldest first. None: no gateway reported."""
        last = now_ms // STEP_MS - 1
        return [self._steps.get(number) for number in range(last - STEPS + 1, last + 1)]


def percentile(latencies: Sequence[int], percent: float) -> float | None:
    """Return the bound in milliseconds within which this part of the entries was written, None without any."""
    wanted, passed = sum(latencies) * percent / 100, 0
    for bound, count in zip(LATENCY_BOUNDS_MS, latencies, strict=False):
        passed += count
        if count and passed >= wanted:
            return bound
    return None
