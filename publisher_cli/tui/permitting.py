"""Whether an editor may do something with a line or with what is held, and why not: asked of the core."""

from __future__ import annotations

from ticker.core import lifecycle
from ticker.core.edition import Role
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.rules import approval
from ticker.core.rules.fields import Findings
from ticker.core.submission import Decision, DecisionRequest, Submission

_ASSUMED: str = "assumed"
"""Stands for a reason that is yet to be typed."""


def why_not_change(change: Change, entry: Entry) -> str | None:
    """Why a change can't follow on the latest entry of a line; None where it can."""
    checked = Findings()
    asked = Submission(key=_ASSUMED, change=change, id=entry.line.id, version=entry.line.version)
    lifecycle.check_may_follow(checked, asked, entry.line)
    return _first(checked)


def why_not_ruling(
    decision: Decision, held: Held, editor: str, role: Role, *, breaks_glass: bool = False
) -> str | None:
    """Why this editor may not approve, reject or cancel what is held; None where they may."""
    checked = Findings()
    ruling = DecisionRequest(
        key=_ASSUMED,
        decision=decision,
        held=held.id,
        reason=None if decision is Decision.APPROVE else _ASSUMED,
        break_glass=_ASSUMED if breaks_glass else None,
    )
    approval.check_ruling(checked, ruling, held, editor, role)
    return _first(checked)


def _first(checked: Findings) -> str | None:
    return checked.errors[0].detail if checked.errors else None


def why_not_glass(role: Role) -> str | None:
    """Why this role may not go without a second person; None where it may."""
    checked = Findings()
    approval.check_break_glass(checked, role, _ASSUMED)
    return _first(checked)
