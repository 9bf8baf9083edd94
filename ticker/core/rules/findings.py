"""Findings of the rules about a request.

A check is a generator of `RuleFinding`s, made with `refuse`, `warn` and `review`. `Findings.of` runs checks and sorts
their findings by effect.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ticker.core.edition import Effect
from ticker.core.submission import Finding


class RuleFinding(msgspec.Struct, frozen=True):
    """A finding and its effect. An `overridden` one only leaves its code in the audit."""

    effect: Effect
    finding: Finding
    overridden: bool = False


def refuse(code: str, detail: str) -> RuleFinding:
    return RuleFinding(Effect.REFUSE, Finding(code, detail))


def warn(code: str, detail: str) -> RuleFinding:
    return RuleFinding(Effect.WARN, Finding(code, detail))


def ask(code: str, detail: str, *, is_confirmed: bool) -> RuleFinding:
    return RuleFinding(Effect.ASK, Finding(code, detail, asks=True), overridden=is_confirmed)


def review(code: str, detail: str) -> RuleFinding:
    return RuleFinding(Effect.REVIEW, Finding(code, detail))


class Findings(msgspec.Struct, frozen=True):
    """All findings on one request.

    `errors` include the findings that the editor has to confirm. `needs` are the findings that a second person must
    approve. `overridden` has the codes of overridden rules.
    """

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    needs: tuple[Finding, ...] = ()
    overridden: tuple[str, ...] = ()

    @classmethod
    def of(cls, *checks: Iterable[RuleFinding]) -> Findings:
        """Run the checks and sort their findings by effect, in the order in which they were found."""
        found = [each for check in checks for each in check]
        if not found:
            return cls()

        def with_effect(*effects: Effect) -> tuple[Finding, ...]:
            return tuple(each.finding for each in found if each.effect in effects and not each.overridden)

        return cls(
            with_effect(Effect.REFUSE, Effect.ASK),
            with_effect(Effect.WARN),
            with_effect(Effect.REVIEW),
            tuple(each.finding.code for each in found if each.overridden),
        )

    def without_needs(self) -> Findings:
        """Return the findings after a break-glass: all needs are overridden, and only their codes are kept."""
        overridden = (*self.overridden, *(finding.code for finding in self.needs))
        return msgspec.structs.replace(self, needs=(), overridden=overridden)
