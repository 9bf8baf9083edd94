"""The second person, and time: decisions without a desk."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH, START, context, likely_submissions, nasty_submissions, post
from ticker.core.board import Board
from ticker.core.edition import Effect, Role, SecondPerson
from ticker.core.held import Held, Reason, decode_held, encode_held
from ticker.core.line import Change
from ticker.core.outcome import Drop, Hold, Outcome, Publish, Refuse, decide, decide_held, publish_held
from ticker.core.submission import Decision, DecisionRequest, Submission

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
    ("submission", "by", "asked_by", "needs"),
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
def test_which_changes_wait_for_another_person(
    submission: Submission, by: str, asked_by: str, needs: list[str]
) -> None:
    outcome = decided(submission, editor=asked_by, board=line_by(by))
    assert not isinstance(outcome, Refuse)
    found = [need.code for need in outcome.held.needs] if isinstance(outcome, Hold) else []
    assert found == needs


@pytest.mark.parametrize("kind", [Change.WITHDRAW, Change.HIDE, Change.PIN])
def test_taking_a_flash_back_waits_for_nobody(kind: Change) -> None:
    submission = change(kind, pinned_until=LATER) if kind is Change.PIN else change(kind)
    assert isinstance(decided(submission, board=line_by("amal", urgency=1)), Publish)


def test_an_edition_that_does_not_ask_lets_everybody_through() -> None:
    at = context(Board(), 1, START, "x", ENGLISH)
    flash = Submission(key="k", change=Change.NEW, text="A flash", urgency=1)
    assert isinstance(decide(flash, msgspec.structs.replace(at, role=Role.REPORTER)), Publish)


@pytest.mark.parametrize("role", list(Role))
def test_only_a_chief_goes_without_and_only_with_a_reason(role: Role) -> None:
    flash = Submission(key="k", change=Change.NEW, text="A flash", urgency=1)
    with_reason = decided(msgspec.structs.replace(flash, break_glass="Nobody is here"), role=role)
    assert isinstance(with_reason, Publish) == (role is Role.CHIEF)
    assert isinstance(decided(msgspec.structs.replace(flash, break_glass="  "), role=role), Refuse)


def test_a_desk_whose_clock_is_ahead_holds_until_the_time_has_passed_by_both() -> None:
    embargoed = Submission(key="k", change=Change.NEW, text="A line", embargo_until=LATER)
    at = context(Board(), 1, LATER + timedelta(hours=1))
    behind = msgspec.structs.replace(at, submitted_at=START, earliest_now=START)
    outcome = decide(embargoed, behind)
    assert isinstance(outcome, Hold)
    assert (outcome.held.due_at, outcome.held.reason) == (LATER, Reason.EMBARGO)


def test_a_time_before_the_embargos_end_waits_for_the_embargo() -> None:
    submission = Submission(
        key="k", change=Change.NEW, text="A line", publish_at=LATER, embargo_until=LATER + timedelta(hours=1)
    )
    outcome = decided(submission)
    assert isinstance(outcome, Hold)
    assert outcome.held.due_at == submission.embargo_until
    assert [warning.code for warning in outcome.warnings] == ["embargo_until"]


@pytest.mark.parametrize(
    "at", [START, START - timedelta(minutes=1), START.replace(tzinfo=None), START + timedelta(days=367)], ids=str
)
def test_a_time_that_is_over_or_out_of_bounds_is_refused(at: object) -> None:
    outcome = decided(msgspec.structs.replace(Submission(key="k", change=Change.NEW, text="A line"), publish_at=at))
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] == ["publish_at"]


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
def test_nobody_but_another_editor_or_a_chief_with_a_reason_puts_a_flash_on_air(
    decision: Decision, role: Role, editor: str, reason: str | None, break_glass: str | None
) -> None:
    request = DecisionRequest(key="r", decision=decision, held="new-id", reason=reason, break_glass=break_glass)
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor=editor, role=role)
    outcome = decide_held(request, held_by("amal"), at)
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
def test_who_says_that_it_is_still_news_takes_the_place_of_no_second_person(
    editor: str, role: Role, approved_by: str
) -> None:
    overdue = msgspec.structs.replace(held_by("amal"), approved_by="omar", overdue=True)
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor=editor, role=role)
    outcome = decide_held(DecisionRequest(key="r", decision=Decision.APPROVE, held="new-id"), overdue, at)
    assert isinstance(outcome, Publish)
    assert outcome.entry.approved_by == approved_by


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("reason", ["Glass", "  ", "G" * 300])
def test_only_a_chief_breaks_the_glass_on_what_is_overdue_and_only_with_a_reason(role: Role, reason: str) -> None:
    overdue = msgspec.structs.replace(held_by("amal"), needs=(), overdue=True)
    at = msgspec.structs.replace(context(Board(), 1, START, "unused", CAREFUL), editor="omar", role=role)
    outcome = decide_held(
        DecisionRequest(key="r", decision=Decision.APPROVE, held="new-id", break_glass=reason), overdue, at
    )
    assert isinstance(outcome, Publish) == (role is Role.CHIEF and reason == "Glass")


@pytest.mark.parametrize(
    ("approved_by", "break_glass", "goes_out"),
    [(None, None, False), ("amal", None, False), ("omar", None, True), (None, "Glass", True)],
)
def test_a_repetition_that_came_meanwhile_waits_for_another_person_where_the_edition_says_so(
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
    outcome = publish_held(held, context(board, 2, START, "unused", edition))
    if goes_out:
        assert isinstance(outcome, Publish)
        assert outcome.entry.overridden == (() if break_glass is None else ("duplicate",))
    else:
        assert isinstance(outcome, Hold)
        assert [need.code for need in outcome.held.needs] == ["duplicate"]
        assert outcome.held.waits_for_person


@given(likely_submissions() | nasty_submissions(["line-1"]))
def test_what_is_held_comes_out_as_it_went_in(submission: Submission) -> None:
    outcome = decided(msgspec.structs.replace(submission, undo_s=60.0), board=line_by("amal"))
    if isinstance(outcome, Hold):
        assert decode_held(encode_held(outcome.held)) == outcome.held


@given(likely_submissions())
def test_what_was_held_is_released_as_it_would_have_gone_out_at_once(submission: Submission) -> None:
    board = Board()
    at_once = decide(submission, context(board, 1, START, "new-id"))
    held = decide(msgspec.structs.replace(submission, undo_s=1.0), context(board, 1, START, "new-id"))
    assert isinstance(held, Hold) == isinstance(at_once, Publish)
    if isinstance(held, Hold) and isinstance(at_once, Publish):
        released = publish_held(held.held, context(board, 1, START, "unused"))
        assert isinstance(released, Publish)
        assert released.entry.line == at_once.entry.line


def test_a_line_that_was_withdrawn_meanwhile_is_not_changed_by_what_was_held() -> None:
    board = Board()
    assert isinstance(post(board, Submission(key="1", change=Change.NEW, text="A line")), Publish)
    update = decide(change(Change.UPDATE, text="More", publish_at=LATER), context(board, 2, START, "held-1"))
    assert isinstance(update, Hold)
    assert isinstance(post(board, change(Change.WITHDRAW, key="2")), Publish)
    released = publish_held(update.held, context(board, 3, LATER, "unused"))
    assert isinstance(released, Refuse)
    assert [error.code for error in released.errors] == ["status"]


def test_how_long_a_line_may_stay_is_counted_from_when_it_goes_out() -> None:
    at = START + timedelta(days=10)
    scheduled = Submission(key="k", change=Change.NEW, text="A line", publish_at=at)
    for field in ("pinned_until", "expires_at"):
        outcome = decided(msgspec.structs.replace(scheduled, **{field: at + timedelta(hours=2)}))
        assert isinstance(outcome, Hold), outcome
        outcome = decided(msgspec.structs.replace(scheduled, **{field: at - timedelta(hours=2)}))
        assert isinstance(outcome, Refuse)
        assert [error.code for error in outcome.errors] == [field]
    embargoed = Submission(
        key="k", change=Change.NEW, text="A line", embargo_until=at, pinned_until=at + timedelta(days=8)
    )
    assert isinstance(decided(embargoed), Refuse)
