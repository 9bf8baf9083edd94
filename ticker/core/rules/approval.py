"""The rules for second persons: the submissions that need one, the editors who may approve, and the break-glass."""

from __future__ import annotations

from collections.abc import Iterator

from ticker.core.edition import Edition, Role, SecondPerson
from ticker.core.entry import Entry
from ticker.core.held import Held, content_mark
from ticker.core.line import TEXT_CHANGES, URGENCY_FLASH, Change, Line
from ticker.core.rules import fields
from ticker.core.rules.findings import RuleFinding, refuse, review
from ticker.core.submission import Decision, DecisionRequest


def check_second_person(
    edition: Edition, role: Role, editor: str, line: Line, latest: Entry | None
) -> Iterator[RuleFinding]:
    """Find the reasons for a second person in this edition. `line` is the version that the change would make."""
    required = edition.second_person
    if SecondPerson.REPORTER in required and role is Role.REPORTER:
        yield review("reporter", f"{editor} is a reporter of this edition")
    if SecondPerson.FLASH in required and line.urgency <= URGENCY_FLASH and line.change in TEXT_CHANGES:
        yield review("flash", "a flash needs a second person in this edition")
    if SecondPerson.WITHDRAWAL in required and line.change is Change.WITHDRAW:
        if latest is None:
            yield review("withdrawal", "nobody knows who posted this line: withdrawing it needs a second person here")
        elif latest.posted_by != editor:
            yield review("withdrawal", f"the line is {latest.posted_by}'s: withdrawing it needs a second person here")


def check_break_glass(role: Role, reason: str | None) -> Iterator[RuleFinding]:
    """Refuse a break-glass by anyone but a chief, or without a reason. A `reason` of None passes."""
    if reason is None:
        return
    if role is not Role.CHIEF:
        yield refuse("break-glass", f"only a chief may go without a second person: you are {role} in this edition")
    elif fields.is_blank(reason):
        yield refuse("break-glass", "break-glass needs a reason; everyone can see it")
    else:
        yield from fields.check_notice("reason to break the glass", fields.normal_text(reason))


def check_held_break_glass(held: Held, role: Role) -> Iterator[RuleFinding]:
    """Require a second person for an item whose author broke the glass, but isn't a chief any more."""
    if held.submission.break_glass is not None and role is not Role.CHIEF:
        rules = ", ".join(held.overridden) or "none"
        yield review("break-glass", f"{held.editor} went without a second person, but is {role} now (rules: {rules})")


def check_decision(request: DecisionRequest, held: Held, editor: str, role: Role) -> Iterator[RuleFinding]:
    """Refuse a decision on a held item that this editor may not make. `check_seen` comes after it."""
    too_big = [
        *fields.check_size("reason", request.reason or "", fields.NOTICE_GRAPHEMES),
        *fields.check_size("reason to break the glass", request.break_glass or "", fields.NOTICE_GRAPHEMES),
    ]
    if too_big:
        yield from too_big
        return
    is_author = editor == held.editor
    if request.decision is not Decision.APPROVE and request.break_glass is not None:
        yield refuse("field", f"{request.decision} takes no break-glass: leave the reason for it out")
    match request.decision:
        case Decision.APPROVE:
            yield from _check_approval(request, held, editor, role)
        case Decision.REJECT:
            if is_author:
                yield refuse("second-person", f"{held.id} is your own: cancel it instead")
            elif role is Role.REPORTER:
                yield refuse("role", "a reporter can't reject the submissions of others: ask an editor")
            if fields.is_blank(request.reason or ""):
                yield refuse("reason", "reject needs a reason: the author gets it")
        case Decision.CANCEL:
            if not is_author and role is Role.REPORTER:
                yield refuse("role", f"{held.id} is {held.editor}'s: a reporter can only cancel their own submissions")
    yield from fields.check_notice("reason", request.reason)


def _check_approval(request: DecisionRequest, held: Held, editor: str, role: Role) -> Iterator[RuleFinding]:
    if not held.waits_for_person:
        by = f": {held.approved_by} has approved it" if held.approved_by else ""
        yield refuse("status", f"{held.id} needs no second person{by}")
    elif request.break_glass is not None:
        yield from check_break_glass(role, request.break_glass)
    elif held.needs and held.approved_by is None:
        if editor == held.editor:
            yield refuse(
                "second-person", f"{held.id} is your own: another person has to approve it, or a chief breaks the glass"
            )
        elif role is Role.REPORTER:
            yield refuse("role", "a reporter can't approve: ask an editor or a chief of this edition")


def check_seen(request: DecisionRequest, held: Held) -> Iterator[RuleFinding]:
    """Refuse an approval unless it names the content of the item as it is now."""
    if request.seen is None:
        yield refuse(
            "seen", f"the approval doesn't name the content of {held.id}: look at it, and send its mark as `seen`"
        )
    elif request.seen != content_mark(held, held.submission.version):
        yield refuse("changed", f"{held.id} is not as you saw it any more: look at it again, then decide")
