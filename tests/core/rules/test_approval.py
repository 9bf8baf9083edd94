"""Second persons, approvals and break-glass, without a desk."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH, START, context
from ticker.core.board import Board
from ticker.core.edition import Effect, Role, SecondPerson
from ticker.core.held import Held, content_mark
from ticker.core.line import Change
from ticker.core.outcome import DecisionOutcome, Drop, Hold, Outcome, Publish, Refuse, decide, decide_held, publish_held
from ticker.core.submission import Decision, DecisionRequest, Finding, Submission

CAREFUL = msgspec.structs.replace(ENGLISH, second_person=tuple(SecondPerson))
LATER = START + timedelta(minutes=5)


def decided(
    submission: Submission, *, editor: str = "amal", role: Role = Role.EDITOR, board: Board | None = None
) -> Outcome:
    at = context(Board() if board is None else board, 2, START, "new-id", CAREFUL)
    return decide(submission, msgspec.structs.replace(at, editor=editor, role=role))


def line_by(editor: str, **fields: object) -> Board:
    board = Board()
    submission = msgspec.structs.replace(Submission(key="k", change=Change.NEW, text="A line"), **fields)
    outcome = decide(submission, msgspec.structs.replace(context(board, 1, START, "line-1"), editor=editor))
    assert isinstance(outcome, Publish)
    board.apply(outcome.entry)
    return board


def change(kind: Change, **fields: object) -> Submission:
    reason = "Wrong" if kind in (Change.WITHDRAW, Change.CORRECT) else None
    blank = Submission(key="c", change=kind, id="line-1", reason=reason)
    return msgspec.structs.replace(blank, **fields)


@pytest.mark.parametrize(
    ("submission", "by", "editor", "needs"),
    [
        (change(Change.UPDATE, text="New facts"), "amal", "amal", []),
        (change(Change.UPDATE, urgency=1), "amal", "amal", ["flash"]),
        (change(Change.WITHDRAW), "amal", "amal", []),
        (change(Change.WITHDRAW), "omar", "amal", ["withdrawal"]),
        (change(Change.CORRECT, text="Better", urgency=1), "omar", "amal", ["flash"]),
        (change(Change.HIDE), "omar", "amal", []),
        (change(Change.PIN, pinned_until=LATER), "omar", "amal", []),
    ],
    ids=lambda value: str(value.change) if isinstance(value, Submission) else None,
)
def test_changes_that_need_a_second_person_are_held(
    submission: Submission, by: str, editor: str, needs: list[str]
) -> None:
    outcome = decided(submission, editor=editor, board=line_by(by))
    assert not isinstance(outcome, Refuse)
    found = [need.code for need in outcome.held.needs] if isinstance(outcome, Hold) else []
    assert found == needs


@pytest.mark.parametrize("kind", [Change.WITHDRAW, Change.HIDE, Change.PIN])
def test_removing_a_flash_needs_no_second_person(kind: Change) -> None:
    submission = change(kind, pinned_until=LATER) if kind is Change.PIN else change(kind)
    assert isinstance(decided(submission, board=line_by("amal", urgency=1)), Publish)


def test_an_edition_without_second_persons_holds_nothing() -> None:
    at = context(Board(), 1, START, "x", ENGLISH)
    flash = Submission(key="k", change=Change.NEW, text="A flash", urgency=1)
    assert isinstance(decide(flash, msgspec.structs.replace(at, role=Role.REPORTER)), Publish)


@pytest.mark.parametrize("role", list(Role))
def test_only_a_chief_breaks_the_glass_and_only_with_a_reason(role: Role) -> None:
    flash = Submission(key="k", change=Change.NEW, text="A flash", urgency=1)
    with_reason = decided(msgspec.structs.replace(flash, break_glass="Nobody is here"), role=role)
    assert isinstance(with_reason, Publish) == (role is Role.CHIEF)
    assert isinstance(decided(msgspec.structs.replace(flash, break_glass="  "), role=role), Refuse)


def new_line(**fields: object) -> Submission:
    return msgspec.structs.replace(Submission(key="k", change=Change.NEW, text="A line"), **fields)


def approval_of(held: Held, **fields: object) -> DecisionRequest:
    """Return the approval of an editor who saw the item as it is."""
    seen = content_mark(held, held.submission.version)
    request = DecisionRequest(key="r", decision=Decision.APPROVE, held=held.id, seen=seen)
    return msgspec.structs.replace(request, **fields)


def held_by(editor: str, *, due: bool = False) -> Held:
    submission = Submission(key="k", change=Change.NEW, text="A flash", urgency=1, publish_at=LATER if due else None)
    outcome = decided(submission, editor=editor)
    assert isinstance(outcome, Hold)
    return outcome.held


@given(
    st.sampled_from(Decision),
    st.sampled_from(Role),
    st.sampled_from(["amal", "omar"]),
    st.none() | st.just("A reason"),
    st.none() | st.just("Glass"),
)
def test_a_flash_is_approved_only_by_another_editor_or_by_a_break_glass(
    decision: Decision, role: Role, editor: str, reason: str | None, break_glass: str | None
) -> None:
    held = held_by("amal")
    request = DecisionRequest(
        key="r",
        decision=decision,
        held="new-id",
        seen=content_mark(held, None),
        reason=reason,
        break_glass=break_glass,
    )
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor=editor, role=role)
    outcome = decide_held(request, held, at, Role.CHIEF if editor == "amal" and role is Role.CHIEF else Role.EDITOR)
    may_approve = (role is Role.CHIEF) if break_glass else (editor != "amal" and role is not Role.REPORTER)
    assert isinstance(outcome, Publish) == (decision is Decision.APPROVE and may_approve)
    if isinstance(outcome, Publish):
        assert outcome.entry.editor == "amal"
        assert outcome.entry.approved_by == (None if editor == "amal" else editor)
        assert (outcome.entry.break_glass is not None) == (break_glass is not None)
    if isinstance(outcome, Drop) and decision is Decision.REJECT:
        assert editor != "amal"
        assert outcome.reason is not None


@pytest.mark.parametrize(
    ("editor", "role", "approved_by"),
    [
        ("amal", Role.EDITOR, "omar"),
        ("rana", Role.REPORTER, "omar"),
        ("lina", Role.EDITOR, "lina"),
    ],
)
def test_confirming_an_overdue_item_does_not_replace_an_approval(editor: str, role: Role, approved_by: str) -> None:
    overdue = msgspec.structs.replace(held_by("amal"), approved_by="omar", overdue=True)
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor=editor, role=role)
    outcome = decide_held(approval_of(overdue), overdue, at, Role.EDITOR)
    assert isinstance(outcome, Publish)
    assert outcome.entry.approved_by == approved_by


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("reason", ["Glass", "  ", "G" * 300])
def test_only_a_chief_breaks_the_glass_for_an_overdue_item_and_only_with_a_reason(role: Role, reason: str) -> None:
    overdue = msgspec.structs.replace(held_by("amal"), needs=(), overdue=True)
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor="omar", role=role)
    outcome = decide_held(approval_of(overdue, break_glass=reason), overdue, at, Role.EDITOR)
    assert isinstance(outcome, Publish) == (role is Role.CHIEF and reason == "Glass")


@pytest.mark.parametrize(
    ("approved_by", "break_glass", "goes_out"),
    [(None, None, False), ("amal", None, False), ("omar", None, True), (None, "Glass", True)],
)
def test_a_held_item_that_became_a_duplicate_is_held_for_review(
    approved_by: str | None, break_glass: str | None, goes_out: bool
) -> None:
    edition = msgspec.structs.replace(ENGLISH, rules={**ENGLISH.rules, "duplicate": Effect.REVIEW})
    board = line_by("omar", text="The bridge over the bay is closed")
    held = Held(
        id="held-1",
        editor="amal",
        submission=Submission(
            key="k", change=Change.NEW, text="The bridge over the bay is closed", break_glass=break_glass
        ),
        submitted_at=START,
        approved_by=approved_by,
    )
    at = msgspec.structs.replace(context(board, 2, START, "unused", edition), role=Role.CHIEF)
    outcome = publish_held(held, at)
    if goes_out:
        assert isinstance(outcome, Publish)
        assert outcome.entry.overridden == (() if break_glass is None else ("duplicate",))
    else:
        assert isinstance(outcome, Hold)
        assert [need.code for need in outcome.held.needs] == ["duplicate"]
        assert outcome.held.waits_for_person


# A held item is bound to the version and the content that people saw


def decide_on(held: Held, board: Board, editor: str = "omar", **fields: object) -> DecisionOutcome:
    request = approval_of(held, **fields)
    at = msgspec.structs.replace(context(board, 3, LATER, "unused", CAREFUL), editor=editor)
    return decide_held(request, held, at, Role.EDITOR)


def held_change(board: Board, **fields: object) -> Held:
    outcome = decided(change(Change.UPDATE, **fields), board=board)
    assert isinstance(outcome, Hold)
    return outcome.held


def publish(board: Board, submission: Submission) -> None:
    outcome = decide(submission, context(board, 2, START, "unused"))
    assert isinstance(outcome, Publish)
    board.apply(outcome.entry)


def test_a_scheduled_change_does_not_replace_a_version_that_its_author_did_not_see() -> None:
    board = line_by("amal")
    scheduled = held_change(board, text="The king has died", publish_at=LATER)
    assert scheduled.submission.version == 1
    approved = decide_on(held_change(board, urgency=1), board)
    assert isinstance(approved, Publish)
    board.apply(approved.entry)
    at = msgspec.structs.replace(context(board, 3, LATER, "unused", CAREFUL), editor="amal")
    outcome = publish_held(scheduled, at)
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] == ["stale"]


def test_an_approval_does_not_publish_a_text_that_the_line_got_afterwards() -> None:
    board = line_by("amal")
    flash = held_change(board, urgency=1)
    publish(board, change(Change.UPDATE, text="The king has died"))
    outcome = decide_on(flash, board)
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] == ["stale"]


@pytest.mark.parametrize(("seen", "code"), [("", "changed"), ("0" * 16, "changed"), (None, "seen")])
def test_an_approval_of_other_or_unknown_content_is_refused(seen: str | None, code: str) -> None:
    outcome = decide_on(held_by("amal"), Board(), seen=seen)
    assert isinstance(outcome, Refuse)
    assert ([error.code for error in outcome.errors], outcome.ends_held) == ([code], False)


@pytest.mark.parametrize("seen", [None, "0" * 16])
def test_an_author_who_confirms_an_overdue_item_names_its_content_too(seen: str | None) -> None:
    overdue = msgspec.structs.replace(held_by("amal"), needs=(), overdue=True)
    assert isinstance(decide_on(overdue, Board(), editor="amal", seen=seen), Refuse)


@pytest.mark.parametrize("seen_version", [1, 2, None])
@pytest.mark.parametrize("is_due", [True, False])
def test_an_approval_of_a_change_whose_line_has_changed_ends_the_item(seen_version: int | None, is_due: bool) -> None:
    board = line_by("amal")
    flash = held_change(board, urgency=1, publish_at=None if is_due else LATER + timedelta(hours=1))
    publish(board, change(Change.UPDATE, text="The king has died"))
    outcome = decide_on(flash, board, seen=content_mark(flash, seen_version))
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] == ["stale"]
    assert ([warning.code for warning in outcome.warnings], outcome.ends_held) == (["not-held"], True)


def test_an_approval_that_the_rules_refuse_ends_the_item() -> None:
    held = msgspec.structs.replace(held_by("amal"), submission=new_line(expires_at=LATER - timedelta(seconds=1)))
    outcome = decide_on(held, Board())
    assert isinstance(outcome, Refuse)
    assert ([error.code for error in outcome.errors], outcome.ends_held) == (["expires_at"], True)


@pytest.mark.parametrize("role", [Role.REPORTER, Role.EDITOR])
def test_an_editor_who_may_not_approve_does_not_end_an_item(role: Role) -> None:
    board = line_by("amal")
    flash = held_change(board, urgency=1)
    publish(board, change(Change.UPDATE, text="The king has died"))
    at = msgspec.structs.replace(context(board, 3, LATER, "unused", CAREFUL), editor="amal", role=role)
    outcome = decide_held(approval_of(flash), flash, at, Role.EDITOR)
    assert isinstance(outcome, Refuse)
    assert ([error.code for error in outcome.errors], outcome.ends_held) == (["second-person"], False)


@pytest.mark.parametrize("field", ["reason", "break_glass"])
@pytest.mark.parametrize("decision", list(Decision))
def test_a_decision_with_a_huge_reason_gets_no_further_rule(decision: Decision, field: str) -> None:
    request = approval_of(held_by("amal"), decision=decision, **{field: "e" + "\u0301\u0316" * 2000})
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor="omar", role=Role.CHIEF)
    outcome = decide_held(request, held_by("amal"), at, Role.EDITOR)
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] in (["too-long"], ["grapheme"])


def test_an_approval_does_not_cover_a_need_that_its_editor_did_not_see() -> None:
    held = held_by("amal")
    seen = content_mark(held, None)
    held = msgspec.structs.replace(held, needs=(*held.needs, Finding("removed", "amal may no longer post here")))
    assert isinstance(decide_on(held, Board(), seen=seen), Refuse)


def test_an_approval_by_an_editor_who_saw_another_version_of_the_line_is_refused() -> None:
    board = line_by("amal")
    flash = held_change(board, urgency=1)
    assert isinstance(decide_on(flash, board, seen=content_mark(flash, 2)), Refuse)
    assert isinstance(decide_on(flash, board, seen=content_mark(flash, 1)), Publish)


@pytest.mark.parametrize("role", list(Role))
def test_the_need_for_a_second_person_is_checked_again_at_publication(role: Role) -> None:
    outcome = decided(Submission(key="k", change=Change.NEW, text="A line", publish_at=LATER))
    assert isinstance(outcome, Hold)
    at = msgspec.structs.replace(context(Board(), 2, LATER, "unused", CAREFUL), editor="amal", role=role)
    published = publish_held(outcome.held, at)
    if role is Role.REPORTER:
        assert isinstance(published, Hold)
        assert [need.code for need in published.held.needs] == ["reporter"]
        assert isinstance(decide_on(published.held, Board()), Publish)
    else:
        assert isinstance(published, Publish)


def test_a_scheduled_break_glass_of_a_former_chief_needs_a_second_person() -> None:
    flash = Submission(key="k", change=Change.NEW, text="A flash", urgency=1, publish_at=LATER, break_glass="Alone")
    outcome = decided(flash, role=Role.CHIEF)
    assert isinstance(outcome, Hold)
    at = msgspec.structs.replace(context(Board(), 2, LATER, "unused", CAREFUL), editor="amal", role=Role.EDITOR)
    published = publish_held(outcome.held, at)
    assert isinstance(published, Hold)
    assert [need.code for need in published.held.needs] == ["flash", "break-glass"]
    approved = decide_on(published.held, Board())
    assert isinstance(approved, Publish)
    assert (approved.entry.approved_by, approved.entry.break_glass, approved.entry.overridden) == ("omar", None, ())


@pytest.mark.parametrize(("role", "counts"), [(Role.REPORTER, False), (Role.EDITOR, True), (Role.CHIEF, True)])
def test_a_reporter_who_confirms_an_overdue_item_is_not_its_second_person(role: Role, counts: bool) -> None:
    edition = msgspec.structs.replace(ENGLISH, rules={**ENGLISH.rules, "duplicate": Effect.REVIEW})
    overdue = Held(
        id="held-1",
        editor="rana",
        submission=Submission(key="k", change=Change.NEW, text="The bridge over the bay is closed"),
        submitted_at=START,
        overdue=True,
    )
    request = approval_of(overdue)
    for board, needs in ((Board(), False), (line_by("omar", text="The bridge over the bay is closed"), True)):
        at = msgspec.structs.replace(context(board, 2, START, "unused", edition), editor="sami", role=role)
        outcome = decide_held(request, overdue, at, Role.REPORTER)
        if needs and not counts:
            assert isinstance(outcome, Hold)
            assert outcome.held.waits_for_person
        else:
            assert isinstance(outcome, Publish)
            assert outcome.entry.approved_by == ("sami" if counts else None)


def test_an_author_who_confirms_an_overdue_item_stays_without_a_second_person() -> None:
    overdue = msgspec.structs.replace(held_by("amal", due=True), needs=(), overdue=True, due_at=START)
    at = msgspec.structs.replace(context(Board(), 2, LATER, "unused", CAREFUL), editor="amal")
    outcome = decide_held(approval_of(overdue), overdue, at, Role.EDITOR)
    assert isinstance(outcome, Hold)
    assert [need.code for need in outcome.held.needs] == ["flash"]
    assert outcome.held.waits_for_person


def test_a_break_glass_for_an_own_item_counts_until_it_is_due() -> None:
    held = held_by("amal", due=True)
    request = approval_of(held, break_glass="Glass")
    at = msgspec.structs.replace(context(Board(), 2, START, "unused", CAREFUL), editor="amal", role=Role.CHIEF)
    waits = decide_held(request, held, at, Role.CHIEF)
    assert isinstance(waits, Hold)
    assert not waits.held.waits_for_person
    published = publish_held(waits.held, msgspec.structs.replace(at, now=LATER))
    assert isinstance(published, Publish)
    assert (published.entry.approved_by, published.entry.overridden) == (None, ("flash",))
