"""Decisions about whatever an inbox may hold: never an exception, and nothing on air that the rules would refuse."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.support.strategies import ENGLISH, START, context, likely_submissions, nasty_submissions, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.entry import encode_entry, follow
from ticker.core.line import Change, Line, Status
from ticker.core.outcome import Outcome, Publish, Refuse, decide
from ticker.core.position import next_link
from ticker.core.submission import Receipt, ReceiptStatus, Submission, encode_receipt

NONCE = "00" * 32
USABLE, HELD, WITHDRAWN = "line-1", "line-2", "line-4"
SUBMISSIONS = nasty_submissions([USABLE, HELD, WITHDRAWN]) | likely_submissions()
EDITIONS = st.sampled_from(list(DEFAULT_EDITIONS.values()))


def newsroom() -> Board:
    """A board with a line that is usable, one that is held, and one that is withdrawn."""
    board = Board()
    for submission in (
        Submission(key="1", change=Change.NEW, text="AFP: First", urgency=1, expires_at=START + timedelta(days=1)),
        Submission(key="2", change=Change.NEW, text="Second", section="sports"),
        Submission(key="3", change=Change.HIDE, id=HELD),
        Submission(key="4", change=Change.NEW, text="Third"),
        Submission(key="5", change=Change.WITHDRAW, id=WITHDRAWN, reason="Wrong"),
    ):
        assert isinstance(post(board, submission), Publish)
    return board


NEWSROOM = newsroom()


def outcome_of(submission: Submission, edition: Edition = ENGLISH) -> Outcome:
    return decide(submission, context(NEWSROOM, 6, START + timedelta(minutes=1), "line-6", edition))


def as_submission(line: Line) -> Submission:
    """What posts the same line again. It isn't split: its text may look like another attribution."""
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
def test_a_published_line_satisfies_the_rules_again_as_it_stands(submission: Submission, edition: Edition) -> None:
    outcome = outcome_of(submission, edition)
    if not isinstance(outcome, Publish) or outcome.entry.line.status is not Status.USABLE:
        return
    line = outcome.entry.line
    again = outcome_of(as_submission(line), edition)
    assert isinstance(again, Publish), again
    assert as_submission(again.entry.line) == as_submission(line)


@settings(max_examples=400)
@given(SUBMISSIONS, EDITIONS)
def test_a_published_line_is_in_its_normal_form(submission: Submission, edition: Edition) -> None:
    outcome = outcome_of(submission, edition)
    if not isinstance(outcome, Publish):
        return
    line = outcome.entry.line
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


@given(nasty_submissions([USABLE, HELD, WITHDRAWN]))
def test_a_withdrawn_line_stays_withdrawn_whatever_is_asked(submission: Submission) -> None:
    outcome = outcome_of(submission)
    assert not isinstance(outcome, Publish) or outcome.entry.line.id != WITHDRAWN


def test_the_strategies_make_lines_that_are_published_and_ones_that_are_not() -> None:
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


def test_an_entry_tells_who_asked_and_when() -> None:
    outcome = outcome_of(Submission(key="k7", change=Change.NEW, text="Text", note="Two sources", urgency=UNSET))
    assert isinstance(outcome, Publish)
    entry = outcome.entry
    assert (entry.editor, entry.key, entry.note) == ("amal", "k7", "Two sources")
    assert entry.submitted_at == START + timedelta(minutes=1)
    assert (entry.line.id, entry.line.number) == ("line-6", 6)
