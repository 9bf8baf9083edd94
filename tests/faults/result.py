"""The result of a schedule, and the totals of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from tests.faults.schedule import Schedule


class ScheduleResult(msgspec.Struct):
    """The violations that a schedule has found, and counts of what it did."""

    schedule: Schedule
    violations: list[str] = msgspec.field(default_factory=list)
    injected: int = 0
    acknowledged: int = 0
    held: int = 0
    deliveries: int = 0
    boards: int = 0
    resets: int = 0
    unknown: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        found = "\n".join(f"  ! {violation}" for violation in self.violations[:12])
        return f"{self.schedule}\n{found}\n  run it again: {self.schedule.command}"


@dataclass
class Totals:
    """The sums over many results. `failed` are those with violations."""

    results: list[ScheduleResult] = field(default_factory=list)

    def add(self, result: ScheduleResult) -> None:
        self.results.append(result)

    @property
    def failed(self) -> list[ScheduleResult]:
        return [each for each in self.results if each.violations]

    @property
    def counts(self) -> Mapping[str, int]:
        return {
            "schedules run": len(self.results),
            "faults injected": sum(each.injected for each in self.results),
            "submissions acknowledged": sum(each.acknowledged for each in self.results),
            "submissions held": sum(each.held for each in self.results),
            "deliveries checked": sum(each.deliveries for each in self.results),
            "boards checked": sum(each.boards for each in self.results),
            "resets": sum(each.resets for each in self.results),
            "violations": sum(len(each.violations) for each in self.results),
        }

    def __str__(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
