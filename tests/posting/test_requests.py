"""Keys, tokens, scopes and bodies of requests, without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus, Submission
from ticker.posting.openapi import schema_document
from ticker.posting.problems import PROBLEMS, PostingError, problems_page
from ticker.posting.requests import (
    check_same_request,
    check_scope,
    check_token,
    read_authorization,
    read_key,
    read_request,
)
from ticker.store.tokens import Scope, Token, hash_of

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECRET = "s" * 43
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "submissions.json").read_text(encoding="utf-8"))
KINDS: dict[str, type[Submission | DecisionRequest]] = {"submission": Submission, "decision": DecisionRequest}


def token(*scopes: Scope, expires_at: datetime = NOW + timedelta(days=1)) -> Token:
    return Token(
        id="0" * 12,
        editor="maha",
        editions=("en",),
        scopes=scopes,
        label="",
        created_at=NOW,
        expires_at=expires_at,
        hash=hash_of(SECRET),
    )


def read(body: Any, key: str = "k1") -> Submission:
    return read_request(Submission, json.dumps(body).encode(), key, token())


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ('"8e03978e-40d5-43e8-bc93-6894a57f9324"', "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ('"a key"', "a key"),
        (r'"a \"key\" \\"', 'a "key" \\'),
        (f'"{"k" * 128}"', "k" * 128),
    ],
)
def test_key_is_a_structured_string_or_the_same_without_quotes(value: str, key: str) -> None:
    assert read_key([value]) == key


@pytest.mark.parametrize("values", [[], [""], ['""'], ["a", "a"], ["a key"], ['"a'], ['a"'], ['"é"'], ["k" * 129]])
def test_another_key_is_refused(values: list[str]) -> None:
    with pytest.raises(PostingError) as refused:
        read_key(values)
    assert (refused.value.code, refused.value.status) == ("idempotency-key", 400)


@pytest.mark.parametrize("values", [[], ["Basic eDp5"], ["Bearer x"], ["Bearer a", "Bearer b"], [f"ticker_{SECRET}"]])
def test_header_without_a_token_is_refused(values: list[str]) -> None:
    with pytest.raises(PostingError) as refused:
        read_authorization(values)
    assert refused.value.headers["WWW-Authenticate"] == 'Bearer realm="ticker"'


def test_token_is_valid_until_it_expires_and_only_with_its_secret() -> None:
    good = token(Scope.POST)
    assert check_token(good, SECRET, good.expires_at - timedelta(microseconds=1)) is good
    for found, secret, now in ((good, SECRET, good.expires_at), (good, "t" * 43, NOW), (None, SECRET, NOW)):
        with pytest.raises(PostingError) as refused:
            check_token(found, secret, now)
        assert refused.value.status == 401


def test_each_request_needs_its_scope() -> None:
    needed: dict[Scope, Submission | DecisionRequest] = {
        Scope.POST: read({"change": "new", "text": "x"}),
        Scope.CHANGE: read({"change": "withdraw", "id": "x", "reason": "x"}),
        Scope.DECIDE: DecisionRequest(key="k", decision=Decision.REJECT, held="x"),
    }
    for scope, request in needed.items():
        check_scope(token(scope), request)
        for others in ([each for each in needed if each is not scope], [Scope.BREAK_GLASS]):
            with pytest.raises(PostingError):
                check_scope(token(*others), request)
    glass = read({"change": "new", "text": "x", "break_glass": "Nobody is here"})
    check_scope(token(Scope.POST, Scope.BREAK_GLASS), glass)
    with pytest.raises(PostingError):
        check_scope(token(Scope.POST), glass)


def test_fingerprint_ignores_the_key_the_deadline_and_the_order_of_members() -> None:
    first = read({"change": "new", "text": "One", "urgency": 3})
    same = read({"urgency": 3, "text": "One", "deadline_s": 5, "change": "new"}, "k2")
    other = read({"change": "new", "text": "One", "urgency": 2})
    assert first.fingerprint == same.fingerprint
    assert first.fingerprint != other.fingerprint


def test_receipt_of_another_request_is_refused_and_one_without_a_fingerprint_is_not() -> None:
    request = read({"change": "new", "text": "One"})
    receipt = Receipt(status=ReceiptStatus.ON_AIR, edition="en", key="k1")
    check_same_request(request, receipt)  # made for `tick`, or rebuilt from the log
    with pytest.raises(PostingError) as refused:
        check_same_request(request, Receipt(status=ReceiptStatus.ON_AIR, edition="en", key="k1", fingerprint="0"))
    assert (refused.value.code, refused.value.status) == ("key-reused", 422)


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: str(vector["name"]))
def test_recorded_body_is_accepted_and_valid_against_the_schema(vector: dict[str, Any]) -> None:
    kind = KINDS[vector["kind"]]
    request = read_request(kind, json.dumps(vector["body"]).encode(), "k1", token())
    assert request.key == "k1"
    assert list(Draft202012Validator(schema_document(kind)).iter_errors(vector["body"])) == []


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: str(vector["name"]))
def test_recorded_faulty_body_is_refused_with_the_path_of_the_member(vector: dict[str, Any]) -> None:
    kind = KINDS[vector["kind"]]
    with pytest.raises(PostingError) as refused:
        read_request(kind, json.dumps(vector["body"]).encode(), "k1", token())
    assert (refused.value.code, vector["names"] in refused.value.detail) == ("malformed", True), refused.value.detail
    assert list(Draft202012Validator(schema_document(kind)).iter_errors(vector["body"])) != []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"change": "new", "text": "\\ud800"}', b"1"])
def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(PostingError) as refused:
        read_request(Submission, body, "k1", token())
    assert refused.value.code == "malformed"


def test_page_of_problems_has_a_section_per_code() -> None:
    assert all(f'<section id="{code}">' in problems_page() for code in PROBLEMS)
