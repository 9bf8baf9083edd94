"""Findings are sorted by their effect."""

from __future__ import annotations

from ticker.core.edition import Effect
from ticker.core.rules.findings import Findings, RuleFinding, ask, refuse, review, warn
from ticker.core.submission import Finding


def test_findings_are_sorted_by_effect_in_the_order_of_the_checks() -> None:
    findings = Findings.of([refuse("a", "1"), warn("b", "2")], [review("c", "3"), refuse("d", "4")])
    assert findings == Findings(
        errors=(Finding("a", "1"), Finding("d", "4")), warnings=(Finding("b", "2"),), needs=(Finding("c", "3"),)
    )


def test_an_overridden_finding_only_leaves_its_code() -> None:
    overridden = RuleFinding(Effect.REFUSE, Finding("duplicate", "it matches"), overridden=True)
    assert Findings.of([overridden]) == Findings(overridden=("duplicate",))


def test_finding_that_asks_is_an_error_until_it_is_confirmed() -> None:
    asked = Findings.of([ask("short", "one word", is_confirmed=False)])
    assert asked == Findings(errors=(Finding("short", "one word", asks=True),))
    assert Findings.of([ask("short", "one word", is_confirmed=True)]) == Findings(overridden=("short",))


def test_without_needs_keeps_their_codes_as_overridden() -> None:
    findings = Findings(needs=(Finding("flash", "1"), Finding("reporter", "2")), overridden=("duplicate",))
    assert findings.without_needs() == Findings(overridden=("duplicate", "flash", "reporter"))
