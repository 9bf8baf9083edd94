"""The limits of one editor, so that nobody can use up what the others need: the rate, and the held items."""

from __future__ import annotations

import math
from typing import Final

from ticker.core.outcome import Hold, Outcome, Refuse
from ticker.core.submission import Finding, Submission
from ticker.desk.overlay import Overlay
from ticker.desk.plan import PlanContext
from ticker.desk.rates import RateLimit, counts

HELD_RESERVED: Final = 10
"""How many items each editor may hold even if the edition is full: others can't block a flash that needs approval."""


def check_rate(
    submission: Submission, editor: str, overlay: Overlay, limit: RateLimit, context: PlanContext
) -> Refuse | None:
    """Refuse a submission of an editor who submits faster than the limit allows. Taking back own lines is free."""
    latest = None if submission.id is None else overlay.get(submission.id)
    if latest is not None and not counts(submission.change, latest.posted_by, editor):
        return None
    wait_s = overlay.wait_s(editor, context.now)
    if wait_s is None:
        return None
    again_s = max(1, math.ceil(wait_s))
    detail = (
        f"{editor} has published {limit.burst:,} changes, and {limit.per_minute:,} per minute are the limit after that "
        f"(settings `submissions_burst`, `submissions_per_minute`): try again in {again_s} s"
    )
    return Refuse((Finding("rate", detail),), latest=None if latest is None else latest.line, retry_after_s=again_s)


def check_held(outcome: Outcome, editor: str, overlay: Overlay, context: PlanContext) -> Outcome:
    """Return the outcome, or a refusal if it would hold one item too many."""
    if not isinstance(outcome, Hold):
        return outcome
    own, total = overlay.count_held_of(editor), overlay.count_held()
    if own >= context.held_per_editor:
        detail = (
            f"{own:,} submissions of {editor} are held already, the most that one editor may have (setting "
            "`held_per_editor`): cancel some, for example all with `tick cancel --all-mine`"
        )
    elif total >= context.held_max and own >= HELD_RESERVED:
        detail = (
            f"{total:,} submissions are held in this edition already, {own:,} of them of {editor} (setting `held`): "
            "cancel or approve some"
        )
    else:
        return outcome
    return Refuse((Finding("held", detail),), latest=outcome.latest)
