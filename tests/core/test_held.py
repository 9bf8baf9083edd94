"""Held items: when they are due, and why they are held."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given

from tests.support.strategies import START, context, likely_submissions, nasty_submissions
from ticker.core.board import Board
from ticker.core.errors import SubmissionError
from ticker.core.held import Held, Reason, decode_held, encode_held
from ticker.core.line import Change
from ticker.core.outcome import Hold, decide
from ticker.core.submission import Finding, Submission

SUBMISSION = Submission(key="k", change=Change.NEW, text="A line")
HELD = Held(id="held-1", editor="amal", submission=SUBMISSION, submitted_at=START)
LATER = START + timedelta(minutes=5)
NEEDS = (Finding("flash", "a flash needs a second person in this edition"),)


def held(**fields: object) -> Held:
    return msgspec.structs.replace(HELD, **fields)


@pytest.mark.parametrize(
    ("item", "is_due"),
    [
        (held(), True),
        (held(due_at=START), True),
        (held(due_at=LATER), False),
        (held(needs=NEEDS), False),
        (held(needs=NEEDS, approved_by="omar"), True),
        (held(needs=NEEDS, approved_by="omar", due_at=LATER), False),
        (held(overdue=True), False),
        (held(overdue=True, approved_by="omar"), False),
    ],
)
def test_an_item_is_due_at_its_time_unless_it_waits_for_a_person(item: Held, is_due: bool) -> None:
    assert item.is_due(START) is is_due


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (held(overdue=True, needs=NEEDS), Reason.OVERDUE),
        (held(needs=NEEDS), Reason.APPROVAL),
        (
            held(submission=msgspec.structs.replace(SUBMISSION, embargo_until=LATER, publish_at=START), due_at=LATER),
            Reason.EMBARGO,
        ),
        (held(submission=msgspec.structs.replace(SUBMISSION, publish_at=LATER), due_at=LATER), Reason.SCHEDULED),
        (held(due_at=LATER), Reason.UNDO),
    ],
)
def test_the_reason_is_the_most_important_one(item: Held, reason: Reason) -> None:
    assert item.reason is reason


@given(likely_submissions() | nasty_submissions())
def test_a_held_item_decodes_to_itself(submission: Submission) -> None:
    outcome = decide(msgspec.structs.replace(submission, undo_s=60.0), context(Board(), 1, START))
    if isinstance(outcome, Hold):
        assert decode_held(encode_held(outcome.held)) == outcome.held


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_bytes_that_are_not_a_held_item_are_malformed(data: bytes) -> None:
    with pytest.raises(SubmissionError) as refused:
        decode_held(data)
    assert refused.value.code == "malformed"
