"""A finding, and the table of conditions that lead to findings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Generic, TypeVar

import msgspec

F = TypeVar("F")


class Severity(Enum):
    """How much a finding matters to readers. `order` is 0 for the most serious."""

    DANGER = "danger"
    """Published lines can be lost, forged or withheld, or readers get nothing."""
    WARNING = "warning"
    """It works now, and fails under load, after a failure or at a known time."""
    HINT = "hint"
    """It costs readers time. The exit status doesn't count it."""

    @property
    def order(self) -> int:
        return list(Severity).index(self)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A fault or a risk, with its fix.

    Attributes:
        code: A stable word for programs, and for `--accept`.
        severity: How much it matters.
        sentence: The fault, with the values that show it.
        meaning: The consequence for readers or editors.
        fix: Commands to paste. Words in capitals stand for values that only the operator knows.

    """

    code: str
    severity: Severity
    sentence: str
    meaning: str
    fix: str


class Check(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """A condition on facts of the type `F`. The texts are format strings with the field `facts`."""

    code: str
    severity: Severity
    applies: Callable[[F], bool | None]
    """Whether there is a finding. None, which an unknown fact gives, counts as no."""
    sentence: str
    meaning: str
    fix: str

    def judge(self, facts: F) -> Finding | None:
        """Return the finding, or None."""
        if not self.applies(facts):
            return None
        return Finding(
            code=self.code,
            severity=self.severity,
            sentence=self.sentence.format(facts=facts),
            meaning=self.meaning.format(facts=facts),
            fix=self.fix.format(facts=facts),
        )


def judge_all(checks: Iterable[Check[F]], facts: F) -> list[Finding]:
    """Return the findings of all checks, in their order."""
    return [finding for check in checks if (finding := check.judge(facts)) is not None]


def codes_of(checks: Iterable[Check[F]]) -> list[str]:
    """Return the codes of checks, each once."""
    return list(dict.fromkeys(check.code for check in checks))


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without repetitions, the most serious first. Equally serious ones keep their order."""
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.severity.order)
