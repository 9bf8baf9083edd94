"""Outcomes: any submission gets one without an exception, and nothing that the rules would refuse is published."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.support.strategies import ENGLISH, START, context, likely_submissions, nasty_submissions, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.entry import encode_entry, follow
from ticker.core.held import Reason
from ticker.core.line import Change, Line, Status
from ticker.core.outcome import Hold, Outcome, Publish, Refuse, decide, publish_held
from ticker.core.position import next_link
from ticker.core.submission import Receipt, ReceiptStatus, Submission, encode_receipt

NONCE = "00" * 32
LATER = START + timedelta(minutes=5)
USABLE, HIDDEN, WITHDRAWN = "line-1", "line-2", "line-4"
SUBMISSIONS = nasty_submissions([USABLE, HIDDEN, WITHDRAWN]) | likely_submissions()
EDITIONS = st.sampled_from(list(DEFAULT_EDITIONS.values()))


def test_removed_characters_are_reported_and_gone() -> None:
    outcome = post(Board(), Submission(key="1", change=Change.NEW, text="AFP: Fer\u200bries stop"))
    assert isinstance(outcome, Publish)
    assert outcome.entry.line.text == "Ferries stop"
    assert "removed" in [warning.code for warning in outcome.warnings]


def small_board() -> Board:
    """Return a board with a usable, a hidden and a withdrawn line."""
    board = Board()
    for submission in (
        Submission(key="1", change=Change.NEW, text="AFP: First", urgency=1, expires_at=START + timedelta(days=1)),
        Submission(key="2", change=Change.NEW, text="Second", section="sports"),
        Submission(key="3", change=Change.HIDE, id=HIDDEN),
        Submission(key="4", change=Change.NEW, text="Third"),
        Submission(key="5", change=Change.WITHDRAW, id=WITHDRAWN, reason="Wrong"),
    ):
        assert isinstance(post(board, submission), Publish)
    return board


BOARD = small_board()


def outcome_of(submission: Submission, edition: Edition = ENGLISH) -> Outcome:
    return decide(submission, context(BOARD, 6, START + timedelta(minutes=1), "line-6", edition))


def as_submission(line: Line) -> Submission:
    """Return a submission that posts the same line. It isn't split, because its text may look like an attribution."""
    return Submission(
        key="again",
        change=Change.NEW,
        text=line.text,
        split_attribution=False,
        attribution=line.attribution,
        lang=line.lang,
        dir=line.dir,
        urgency=line.urgency,
        section=line.section,
        regions=line.regions,
        coverage=line.coverage,
        url=line.url,
        expires_at=line.expires_at,
        pinned_until=line.pinned_until,
    )


@settings(max_examples=400)
@given(SUBMISSIONS, EDITIONS)
def test_every_submission_gets_an_outcome_that_can_be_encoded(submission: Submission, edition: Edition) -> None:
    outcome = outcome_of(submission, edition)
    errors = outcome.errors if isinstance(outcome, Refuse) else ()
    receipt = Receipt(status=ReceiptStatus.REFUSED, edition="en", key="k", errors=errors, warnings=outcome.warnings)
    assert len(encode_receipt(receipt)) < 16_384
    if isinstance(outcome, Publish):
        data = encode_entry(outcome.entry)
        assert follow(1, NONCE, next_link(NONCE, data), data).entry == outcome.entry
    else:
        assert errors


@given(SUBMISSIONS)
def test_the_same_submission_in_the_same_context_gets_the_same_outcome(submission: Submission) -> None:
    assert outcome_of(submission) == outcome_of(submission)


@settings(max_examples=400)
@given(SUBMISSIONS, EDITIONS)
def test_a_published_line_is_in_its_normal_form_and_can_be_published_again_unchanged(
    submission: Submission, edition: Edition
) -> None:
    outcome = outcome_of(submission, edition)
    if not isinstance(outcome, Publish):
        return
    line = outcome.entry.line
    check_normal_form(line, edition)
    if line.status is Status.USABLE:
        again = outcome_of(as_submission(line), edition)
        assert isinstance(again, Publish), again
        assert as_submission(again.entry.line) == as_submission(line)


def check_normal_form(line: Line, edition: Edition) -> None:
    for text in (line.text, line.attribution, line.coverage, line.correction):
        if text is not None:
            assert unicodedata.is_normalized("NFC", text)
            assert text == text.strip()
            assert not set(text) & set("\n\r\t\x00\x1b\u2028\u2029\u202a\u202b\u202c\u202d\u202e")
    assert line.section in (None, *edition.sections)
    assert set(line.regions) <= set(edition.regions)
    assert 1 <= line.urgency <= 9
    for instant in (line.created_at, line.updated_at, line.expires_at, line.pinned_until):
        assert instant is None or instant.utcoffset() == timedelta(0)
    assert (line.text == "") == (line.status is not Status.USABLE)


@given(nasty_submissions([USABLE, HIDDEN, WITHDRAWN]))
def test_no_submission_changes_a_withdrawn_line(submission: Submission) -> None:
    outcome = outcome_of(submission)
    assert not isinstance(outcome, Publish) or outcome.entry.line.id != WITHDRAWN


def test_the_strategies_generate_published_and_refused_submissions() -> None:
    seen = set()

    @settings(max_examples=500, database=None, derandomize=True)
    @given(SUBMISSIONS)
    def collect(submission: Submission) -> None:
        outcome = outcome_of(submission)
        if isinstance(outcome, Publish):
            seen.add("published")
        elif isinstance(outcome, Refuse):
            seen.update(finding.code for finding in outcome.errors)

    collect()
    assert seen >= {
        "published",
        "character",
        "empty",
        "expires_at",
        "field",
        "lang",
        "pinned_until",
        "reason",
        "section",
    }
    assert seen >= {"stale", "unknown", "url", "urgency", "region"}


def test_an_entry_has_the_editor_the_key_and_the_time_of_submission() -> None:
    outcome = outcome_of(Submission(key="k7", change=Change.NEW, text="Text", note="Two sources", urgency=UNSET))
    assert isinstance(outcome, Publish)
    entry = outcome.entry
    assert (entry.editor, entry.key, entry.note) == ("amal", "k7", "Two sources")
    assert entry.submitted_at == START + timedelta(minutes=1)
    assert (entry.line.id, entry.line.number) == ("line-6", 6)


# Times


def post_line(**fields: object) -> Submission:
    return msgspec.structs.replace(Submission(key="k", change=Change.NEW, text="A line"), **fields)


def outcome_of_post(**fields: object) -> Outcome:
    return decide(post_line(**fields), context(Board(), 2, START, "new-id"))


def test_a_fast_desk_clock_does_not_end_an_embargo_early() -> None:
    fast = context(Board(), 1, LATER + timedelta(hours=1))
    both_clocks = msgspec.structs.replace(fast, submitted_at=START, earliest_now=START)
    outcome = decide(post_line(embargo_until=LATER), both_clocks)
    assert isinstance(outcome, Hold)
    assert (outcome.held.due_at, outcome.held.reason) == (LATER, Reason.EMBARGO)


def test_a_publication_time_before_the_end_of_the_embargo_is_delayed_with_a_warning() -> None:
    embargo_until = LATER + timedelta(hours=1)
    outcome = outcome_of_post(publish_at=LATER, embargo_until=embargo_until)
    assert isinstance(outcome, Hold)
    assert outcome.held.due_at == embargo_until
    assert [warning.code for warning in outcome.warnings] == ["embargo_until"]


@pytest.mark.parametrize(
    "publish_at",
    [START, START - timedelta(minutes=1), START.replace(tzinfo=None), START + timedelta(days=367)],
    ids=str,
)
def test_an_invalid_publication_time_is_refused(publish_at: datetime) -> None:
    outcome = outcome_of_post(publish_at=publish_at)
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] == ["publish_at"]


def test_a_time_that_passed_after_the_submission_is_still_valid() -> None:
    late = msgspec.structs.replace(context(Board(), 1, LATER), submitted_at=START)
    assert isinstance(decide(post_line(publish_at=START + timedelta(minutes=1)), late), Publish)


def test_expiry_and_pin_are_checked_against_the_time_of_publication() -> None:
    publish_at = START + timedelta(days=10)
    for field in ("pinned_until", "expires_at"):
        after = outcome_of_post(publish_at=publish_at, **{field: publish_at + timedelta(hours=2)})
        assert isinstance(after, Hold), after
        before = outcome_of_post(publish_at=publish_at, **{field: publish_at - timedelta(hours=2)})
        assert isinstance(before, Refuse)
        assert [error.code for error in before.errors] == [field]
    too_long = outcome_of_post(embargo_until=publish_at, pinned_until=publish_at + timedelta(days=8))
    assert isinstance(too_long, Refuse)


@pytest.mark.parametrize(
    ("fields", "undo_s"),
    [({}, 20.0), ({"urgency": 1}, None), ({"undo_s": 5.0}, 5.0), ({"undo_s": 0.0}, None)],
)
def test_the_undo_window_of_the_edition_applies_unless_the_line_is_a_flash(
    fields: dict[str, object], undo_s: float | None
) -> None:
    edition = msgspec.structs.replace(ENGLISH, undo_s=20.0)
    outcome = decide(post_line(**fields), context(Board(), 1, START, edition=edition))
    if undo_s is None:
        assert isinstance(outcome, Publish)
    else:
        assert isinstance(outcome, Hold)
        assert outcome.held.due_at == START + timedelta(seconds=undo_s)


# Held items


@given(likely_submissions())
def test_a_held_item_is_published_as_if_it_had_not_been_held(submission: Submission) -> None:
    board = Board()
    immediate = decide(submission, context(board, 1, START, "new-id"))
    held = decide(msgspec.structs.replace(submission, undo_s=1.0), context(board, 1, START, "new-id"))
    assert isinstance(held, Hold) == isinstance(immediate, Publish)
    if isinstance(held, Hold) and isinstance(immediate, Publish):
        published = publish_held(held.held, context(board, 1, START, "unused"))
        assert isinstance(published, Publish)
        assert published.entry.line == immediate.entry.line


def test_a_held_change_of_a_line_that_was_withdrawn_is_refused() -> None:
    board = Board()
    assert isinstance(post(board, post_line()), Publish)
    update = Submission(key="c", change=Change.UPDATE, id="line-1", text="More", publish_at=LATER)
    held = decide(update, context(board, 2, START, "held-1"))
    assert isinstance(held, Hold)
    withdrawal = Submission(key="2", change=Change.WITHDRAW, id="line-1", reason="Wrong")
    assert isinstance(post(board, withdrawal), Publish)
    published = publish_held(held.held, context(board, 3, LATER, "unused"))
    assert isinstance(published, Refuse)
    assert [error.code for error in published.errors] == ["stale"]
