"""The findings of the rules for one field, for tests of single rules."""

from __future__ import annotations

from collections.abc import Iterable

from ticker.core.rules.findings import Findings, RuleFinding
from ticker.core.submission import Finding


def found(check: Iterable[RuleFinding]) -> list[Finding]:
    """The errors of a check that reports nothing else."""
    findings = Findings.of(check)
    assert findings == Findings(errors=findings.errors)
    return list(findings.errors)


def codes_of(check: Iterable[RuleFinding]) -> list[str]:
    return [finding.code for finding in found(check)]
