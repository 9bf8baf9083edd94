"""Whether an editor may do something with a line or with what is held, and why not: asked of the core."""

from __future__ import annotations

from collections.abc import Iterable

from ticker.core import lifecycle
from ticker.core.edition import Role
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.rules import approval
from ticker.core.rules.findings import Findings, RuleFinding
from ticker.core.submission import Decision, DecisionRequest, Submission

_ASSUMED: str = "assumed"
"""Stands for a reason that is yet to be typed."""


def why_not_change(change: Change, entry: Entry) -> str | None:
    """Why a change can't follow on the latest entry of a line; None where it can."""
    asked = Submission(key=_ASSUMED, change=change, id=entry.line.id, version=entry.line.version)
    return _first(lifecycle.check_may_follow(asked, entry.line))


def why_not_ruling(
    decision: Decision, held: Held, editor: str, role: Role, *, breaks_glass: bool = False
) -> str | None:
    """Why this editor may not approve, reject or cancel what is held; None where they may."""
    ruling = DecisionRequest(
        key=_ASSUMED,
        decision=decision,
        held=held.id,
        reason=None if decision is Decision.APPROVE else _ASSUMED,
        break_glass=_ASSUMED if breaks_glass else None,
    )
    return _first(approval.check_decision(ruling, held, editor, role))


def _first(check: Iterable[RuleFinding]) -> str | None:
    errors = Findings.of(check).errors
    return errors[0].detail if errors else None


def why_not_glass(role: Role) -> str | None:
    """Why this role may not go without a second person; None where it may."""
    return _first(approval.check_break_glass(role, _ASSUMED))
