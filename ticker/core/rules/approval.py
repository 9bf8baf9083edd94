"""The second person: what waits for one, who may be one, and how a chief goes without."""

from __future__ import annotations

from collections.abc import Iterator

from ticker.core import lifecycle
from ticker.core.edition import Edition, Role, SecondPerson
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import URGENCY_FLASH, Change, Line
from ticker.core.rules import fields
from ticker.core.rules.fields import Findings
from ticker.core.submission import Decision, DecisionRequest


def check_second_person(
    checked: Findings, edition: Edition, role: Role, editor: str, line: Line, latest: Entry | None
) -> None:
    """Hold what the edition wants another person to look at; `line` is the version that the change makes."""
    for code, detail in _needs(edition, role, editor, line, latest):
        checked.review(code, detail)


def _needs(edition: Edition, role: Role, editor: str, line: Line, latest: Entry | None) -> Iterator[tuple[str, str]]:
    asked = edition.second_person
    if SecondPerson.REPORTER in asked and role is Role.REPORTER:
        yield "reporter", f"{editor} is a reporter of this edition"
    if SecondPerson.FLASH in asked and line.urgency <= URGENCY_FLASH and line.change in lifecycle.PUTS_WORDS:
        yield "flash", "a flash needs a second person in this edition"
    if SecondPerson.WITHDRAWAL in asked and line.change is Change.WITHDRAW and latest is not None:
        posted_by = latest.posted_by
        if posted_by != editor:
            yield "withdrawal", f"the line is {posted_by}'s: withdrawing another's needs a second person here"


def check_break_glass(checked: Findings, role: Role, reason: str | None) -> None:
    """Let a chief through with a reason: nothing is left that would need a second person. Anybody else is refused."""
    if reason is None:
        return
    if role is not Role.CHIEF:
        checked.refuse("break-glass", f"only a chief may go without a second person: you are {role} in this edition")
    elif fields.is_blank(reason):
        checked.refuse("break-glass", "to break the glass takes a reason: everybody will see it")
    else:
        fields.check_notice(checked, "reason to break the glass", fields.normal_text(reason))
        if checked.needs:
            checked.overridden.extend(finding.code for finding in checked.needs)
            checked.needs.clear()


def check_ruling(checked: Findings, ruling: DecisionRequest, held: Held, editor: str, role: Role) -> None:
    """Refuse a decision that isn't this editor's to make on what is held."""
    is_author = editor == held.editor
    if ruling.decision is not Decision.APPROVE and ruling.break_glass is not None:
        checked.refuse("field", f"{ruling.decision} breaks no glass: leave the reason for it out")
    match ruling.decision:
        case Decision.APPROVE:
            _check_approval(checked, ruling, held, editor, role)
        case Decision.REJECT:
            if is_author:
                checked.refuse("second-person", f"{held.id} is your own: cancel it instead")
            elif role is Role.REPORTER:
                checked.refuse("role", "a reporter can't reject what others ask for: ask an editor")
            if fields.is_blank(ruling.reason or ""):
                checked.refuse("reason", "reject needs a reason: it is what the author is told")
        case Decision.CANCEL:
            if not is_author and role is Role.REPORTER:
                checked.refuse("role", f"{held.id} is {held.editor}'s: a reporter can cancel only what is their own")
    fields.check_notice(checked, "reason", ruling.reason)


def _check_approval(checked: Findings, ruling: DecisionRequest, held: Held, editor: str, role: Role) -> None:
    if not held.waits_for_person:
        by = f": {held.approved_by} has approved it" if held.approved_by else ""
        checked.refuse("status", f"{held.id} waits for no second person{by}")
        return
    if ruling.break_glass is not None:
        check_break_glass(checked, role, ruling.break_glass)
    elif held.needs and held.approved_by is None:
        if editor == held.editor:
            checked.refuse(
                "second-person", f"{held.id} is your own: another person has to approve it, or a chief breaks the glass"
            )
        elif role is Role.REPORTER:
            checked.refuse("role", "a reporter can't approve: ask an editor or a chief of this edition")
