"""The HTTP answer to each receipt."""

from __future__ import annotations

import json

import pytest

from ticker.core.submission import Finding, Receipt, ReceiptStatus
from ticker.posting.answers import answer, found, no_receipt
from ticker.posting.problems import PostingError

STATUSES = ReceiptStatus


def receipt(status: ReceiptStatus, *codes: str, retry_after_s: float | None = None) -> Receipt:
    errors = tuple(Finding(code, f"because of {code}") for code in codes)
    return Receipt(
        status=status, edition="en", key="a/key", errors=errors, retry_after_s=retry_after_s, fingerprint="secret"
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [(STATUSES.ON_AIR, 201), (STATUSES.DROPPED, 201), (STATUSES.HELD, 202), (STATUSES.UNKNOWN, 202)],
)
def test_accepted_request_gets_its_receipt_and_the_address_of_its_outcome(status: ReceiptStatus, code: int) -> None:
    response = answer(receipt(status))
    assert (response.status_code, json.loads(bytes(response.body))["status"]) == (code, status.value)
    assert response.headers["location"] == "/v1/en/submissions/a%2Fkey"
    assert ("retry-after" in response.headers) is (status is STATUSES.UNKNOWN)
    assert b"secret" not in bytes(response.body)


@pytest.mark.parametrize(
    ("given", "code", "retry"),
    [
        (receipt(STATUSES.REFUSED, "duplicate"), (422, "refused"), None),
        (receipt(STATUSES.REFUSED, "too-big"), (413, "too-big"), None),
        (receipt(STATUSES.REFUSED, "rate", retry_after_s=1.2), (429, "rate"), "2"),
        (receipt(STATUSES.REFUSED, "held"), (429, "held"), "2"),
        (receipt(STATUSES.REFUSED, "log"), (503, "log"), "2"),
        (receipt(STATUSES.LATE, "late"), (503, "late"), "2"),
        (receipt(STATUSES.LATE), (503, "late"), "2"),
        (receipt(STATUSES.NOT_ON_AIR, "no-desk"), (503, "no-desk"), "2"),
        (receipt(STATUSES.NOT_ON_AIR, "no-redis"), (503, "no-redis"), "2"),
    ],
)
def test_request_that_is_not_published_is_a_problem(given: Receipt, code: tuple[int, str], retry: str | None) -> None:
    with pytest.raises(PostingError) as refused:
        answer(given)
    error = refused.value
    assert ((error.status, error.code), error.headers.get("Retry-After")) == (code, retry)
    assert error.receipt is not None
    assert error.receipt.status is given.status


def test_key_without_a_receipt_is_unknown_and_never_not_on_air() -> None:
    response = found(no_receipt("en", "k1"))
    assert (response.status_code, json.loads(bytes(response.body))["status"]) == (200, "unknown")
    assert "retry-after" in response.headers
