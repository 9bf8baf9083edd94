"""Requests and receipts as bytes. Inboxes are untrusted: any input gives a value or a documented error."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import likely_submissions, nasty_submissions, receipts
from ticker.core.errors import SubmissionError
from ticker.core.line import Change
from ticker.core.submission import (
    DEADLINE_MAX_S,
    KEY_MAX,
    Receipt,
    Submission,
    decode_receipt,
    decode_request,
    encode_receipt,
    encode_request,
)

T = TypeVar("T")

LIMIT = 8 * 1024
DEEP = b"[" * 100_000
GOOD = encode_request(Submission(key="k", change=Change.NEW, text="عاجل", regions=("mena",), urgency=2))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def tried(decode: Callable[[], T]) -> T | SubmissionError:
    """Return the result of `decode`, or the one error that it may raise."""
    try:
        return decode()
    except SubmissionError as error:
        return error


@st.composite
def broken(draw: st.DrawFn, good: bytes) -> bytes:
    """Draw a copy of `good` with up to four bytes removed, and up to four others inserted."""
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, min(start + 4, len(good))))
    return good[:start] + draw(st.binary(max_size=4)) + good[end:]


def test_a_request_decodes_to_the_encoded_values() -> None:
    submission = decode_request(GOOD, LIMIT)
    assert isinstance(submission, Submission)
    assert (submission.key, submission.text, submission.regions) == ("k", "عاجل", ("mena",))


@given(likely_submissions() | nasty_submissions())
def test_a_submission_in_utf8_decodes_to_itself(submission: Submission) -> None:
    data = tried(lambda: encode_request(submission))
    if isinstance(data, SubmissionError):
        assert "\\ud" in ascii(submission)
    else:
        assert decode_request(data, 10**6) == submission


def test_a_text_that_is_not_utf8_is_malformed() -> None:
    with pytest.raises(SubmissionError) as refused:
        encode_request(Submission(key="k", change=Change.NEW, text=os.fsdecode(b"caf\xe9")))
    assert refused.value.code == "malformed"


@given(st.binary() | broken(GOOD) | st.text().map(str.encode))
def test_any_bytes_give_a_request_or_submission_error(data: bytes) -> None:
    decoded = tried(lambda: decode_request(data, LIMIT))
    if isinstance(decoded, SubmissionError):
        assert decoded.code == "malformed"
    else:
        assert decode_request(encode_request(decoded), LIMIT) == decoded


FIELDS = st.sampled_from(["key", "change", "text", "regions", "expires_at", "urgency", "deadline_s", "nobody"])


@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_fields_of_any_type_give_a_request_or_submission_error(fields: dict[str, object]) -> None:
    data = msgspec.json.encode({"key": "k", "change": "new", **fields})
    decoded = tried(lambda: decode_request(data, 10**6))
    assert not isinstance(decoded, SubmissionError) or decoded.code == "malformed"


@pytest.mark.parametrize(
    "extra",
    [
        b'"text":"\xff"',
        b'"text":"\\ud800"',
        b'"text":' + DEEP,
        b'"text":null',
        b'"urgency":"1"',
        b'"urgency":1.5',
        b'"urgency":' + b"9" * 5000,
        b'"version":true',
        b'"expires_at":1795512600',
        b'"expires_at":"tomorrow"',
        b'"change":"delete"',
        b'"editor":"somebody-else"',
        b'"unknown":1',
        b'"deadline_s":-1',
        b'"deadline_s":86401',
        b'"deadline_s":1e308',
        b'"deadline_s":1e999',
        b'"deadline_s":NaN',
        b'"key":""',
        b'"key":"a\\nb"',
        b'"key":"\\u202e"',
        b'"key":"' + b"x" * (KEY_MAX + 1) + b'"',
    ],
)
def test_a_submission_with_an_invalid_field_is_malformed(extra: bytes) -> None:
    with pytest.raises(SubmissionError) as refused:
        decode_request(b'{"key":"k","change":"new",' + extra + b"}", 10**6)
    assert refused.value.code == "malformed"


@pytest.mark.parametrize("key", ["x", "x" * KEY_MAX, "مفتاح", "a b"])
@pytest.mark.parametrize("deadline_s", [0.0, 30.0, DEADLINE_MAX_S])
def test_keys_and_deadlines_within_their_limits_pass(key: str, deadline_s: float) -> None:
    submission = Submission(key=key, change=Change.NEW, deadline_s=deadline_s)
    assert decode_request(encode_request(submission), LIMIT) == submission


def test_a_submission_above_the_limit_is_too_big() -> None:
    assert decode_request(GOOD, len(GOOD)).key == "k"
    with pytest.raises(SubmissionError) as refused:
        decode_request(GOOD, len(GOOD) - 1)
    assert refused.value.code == "too-big"
    assert f"{len(GOOD)} bytes with all its fields: {len(GOOD) - 1} at most" in str(refused.value)


def test_a_submission_that_is_too_big_is_not_parsed() -> None:
    with pytest.raises(SubmissionError) as refused:
        decode_request(DEEP, LIMIT)
    assert refused.value.code == "too-big"


@given(receipts())
def test_a_receipt_decodes_to_itself(receipt: Receipt) -> None:
    assert decode_receipt(encode_receipt(receipt)) == receipt


RECEIPT = b'{"status":"on-air","edition":"en","key":"k","published_at":"2026-11-24T09:30:00Z","version":1}'


@given(st.binary() | broken(RECEIPT) | st.text().map(str.encode))
def test_any_bytes_give_a_receipt_or_submission_error(data: bytes) -> None:
    decoded = tried(lambda: decode_receipt(data))
    if isinstance(decoded, SubmissionError):
        assert decoded.code == "malformed"
    else:
        assert decode_receipt(encode_receipt(decoded)) == decoded


@pytest.mark.parametrize("extra", [b'"edition":"\xff"', b'"later":' + DEEP, b'"status":"maybe"'])
def test_an_invalid_receipt_is_malformed(extra: bytes) -> None:
    with pytest.raises(SubmissionError) as refused:
        decode_receipt(b'{"status":"on-air","edition":"en","key":"k",' + extra + b"}")
    assert refused.value.code == "malformed"


def test_unknown_fields_of_a_receipt_are_ignored() -> None:
    assert decode_receipt(RECEIPT[:-1] + b',"weather":"fine"}') == decode_receipt(RECEIPT)
