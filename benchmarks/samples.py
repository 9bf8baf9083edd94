"""The measured values by subject and measure, one per round, and their medians."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """A median, and the range of its values."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


class Samples:
    """Values in the order of the rounds. A round in which a subject couldn't be measured adds no value."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.notes: list[str] = []

    def add(self, subject: str, measures: dict[str, float]) -> None:
        for measure, value in measures.items():
            self.values[subject][measure].append(value)

    def note(self, text: str) -> None:
        """Record once why something wasn't measured."""
        if text not in self.notes:
            self.notes.append(text)

    def get(self, subject: str, measure: str) -> list[float]:
        return self.values[subject][measure] if measure in self.values.get(subject, {}) else []

    def spread(self, subject: str, measure: str) -> Spread | None:
        values = self.get(subject, measure)
        return spread(values) if values else None

    def ratios(self, of: tuple[str, str], by: tuple[str, str]) -> list[float]:
        """Return the ratio per round. Values of different rounds, minutes apart, aren't compared."""
        return [value / other for value, other in zip(self.get(*of), self.get(*by), strict=False) if other]
