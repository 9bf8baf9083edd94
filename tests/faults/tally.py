"""The count of what was played: one line for the end of the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.play import ReceiptStatus


@dataclass
class Tally:
    schedules: int = 0
    injected: int = 0
    acknowledged: int = 0
    held: int = 0
    deliveries: int = 0
    boards: int = 0
    resets: int = 0
    violations: int = 0
    failed: list[ReceiptStatus] = field(default_factory=list)

    def take(self, outcome: ReceiptStatus) -> None:
        self.schedules += 1
        self.injected += outcome.injected
        self.acknowledged += outcome.acknowledged
        self.held += outcome.held
        self.deliveries += outcome.deliveries
        self.boards += outcome.boards
        self.resets += outcome.resets
        self.violations += len(outcome.violations)
        if outcome.violations:
            self.failed.append(outcome)

    @property
    def counts(self) -> Mapping[str, int]:
        return {
            "schedules run": self.schedules,
            "faults injected": self.injected,
            "submissions acknowledged": self.acknowledged,
            "submissions held": self.held,
            "deliveries checked": self.deliveries,
            "boards checked": self.boards,
            "resets": self.resets,
            "violations": self.violations,
        }

    def __str__(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
