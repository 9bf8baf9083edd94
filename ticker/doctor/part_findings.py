"""Judge parts that run side by side, by what they report at their addresses for operators. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ticker.doctor.finding import Check, Finding, Severity, codes_of, judge_all

CLOCK_S: Final = 2.0
"""How far a part's clock may differ. The header `Date` has whole seconds."""
FULL_SHARE: Final = 0.9


class PartFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A desk, gateway, relay or posting part. None means that it doesn't report it."""

    url: str
    trouble: str | None = None
    """Why it doesn't answer, or None."""
    readiness: str | None = None
    """The status that `/readyz` reports, or None if the part is ready."""
    version: str | None = None
    followers: int | None = None
    followers_max: int | None = None
    clock_s: float | None = None
    """How far its clock is ahead of this machine's."""


class _Versions(msgspec.Struct, frozen=True):
    """The versions of all parts."""

    parts: tuple[PartFacts, ...]

    @property
    def found(self) -> list[str]:
        return sorted({part.version for part in self.parts if part.version is not None})

    @property
    def listed(self) -> str:
        return ", ".join(f"{part.url} is {part.version}" for part in self.parts if part.version is not None)


def part_findings(parts: Sequence[PartFacts]) -> list[Finding]:
    """Return the findings about each part, and about their versions."""
    found = [finding for part in parts for finding in judge_all(_CHECKS, part)]
    return [*found, *judge_all(_VERSION_CHECKS, _Versions(tuple(parts)))]


_CHECKS: Final[Sequence[Check[PartFacts]]] = (
    Check(
        code="part-down",
        severity=Severity.DANGER,
        applies=lambda facts: facts.trouble is not None,
        sentence="{facts.url} doesn't answer: {facts.trouble}",
        meaning="its readers are on other gateways, or get nothing. Without a desk, nothing is published",
        fix="curl -sv {facts.url}/readyz",
    ),
    Check(
        code="part-not-ready",
        severity=Severity.DANGER,
        applies=lambda facts: facts.readiness is not None,
        sentence="{facts.url} isn't ready: {facts.readiness}",
        meaning="a gateway shows the last good board. A desk publishes nothing",
        fix="curl -s {facts.url}/readyz",
    ),
    Check(
        code="part-full",
        severity=Severity.WARNING,
        applies=lambda facts: (
            facts.followers is not None
            and facts.followers_max is not None
            and facts.followers >= FULL_SHARE * facts.followers_max
        ),
        sentence="{facts.url} has {facts.followers} followers, and can have {facts.followers_max}",
        meaning="above it, readers are refused",
        fix="ticker doctor machine --followers N   # then raise the limits, or add a gateway",
    ),
    Check(
        code="part-clock",
        severity=Severity.WARNING,
        applies=lambda facts: facts.clock_s is not None and abs(facts.clock_s) > CLOCK_S,
        sentence="the clock of {facts.url} is {facts.clock_s:+.0f} s from this machine's",
        meaning="readers compare ends of lines and pins with it: lines disappear at the wrong time",
        fix="chronyc tracking   # on its machine",
    ),
)

_VERSION_CHECKS: Final[Sequence[Check[_Versions]]] = (
    Check(
        code="part-versions",
        severity=Severity.WARNING,
        applies=lambda facts: len(facts.found) > 1,
        sentence="parts of different versions run side by side: {facts.listed}",
        meaning="that is meant only for the time of an upgrade",
        fix="systemctl restart ticker-desk ticker-gateway@8080   # on the machine with the older version",
    ),
)

CODES: Final = (*codes_of(_CHECKS), *codes_of(_VERSION_CHECKS))
"""The codes of all findings."""
