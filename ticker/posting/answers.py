"""The HTTP answer to a receipt. Pure.

| receipt | answer |
| --- | --- |
| on air; dropped (a rejected or cancelled item) | 201 |
| held | 202: it waits for its time or for a person |
| unknown | 202: it was sent, and its outcome is open |
| refused | 422, or 429 and 503 for refusals that don't use up the key |
| late, not on air | 503: this request isn't published |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, assert_never
from urllib.parse import quote

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from ticker.core.held import Held, content_mark
from ticker.core.submission import Finding, Receipt, ReceiptStatus
from ticker.posting.problems import PostingError

MEDIA_TYPE: Final = "application/json"
RETRY_S: Final = 2
"""When to repeat a request that no desk or no Redis answered."""

_SENT: Final = ("key", "deadline_s", "deadline_at_ms", "origin", "fingerprint")
"""Fields of a held submission that only its author's client needs."""


class HeldItem(msgspec.Struct, frozen=True, kw_only=True):
    """A held item.

    Attributes:
        held: The id of the held item, for a decision.
        seen: The mark of its content. An approval repeats it, and is refused if the content has changed.
        editor: The author.
        reason: Why it is held: approval, overdue, embargo, scheduled or undo.
        needs: The findings for which it needs a second person.
        submission: The fields that its author sent.

    """

    held: str
    seen: str
    editor: str
    reason: str
    submitted_at: str
    due_at: str | None
    needs: tuple[Finding, ...]
    submission: dict[str, Any]


class HeldItems(msgspec.Struct, frozen=True):
    """The held items of an edition, the oldest first."""

    edition: str
    items: tuple[HeldItem, ...]


def address_of(edition: str, key: str) -> str:
    """Return the address of the newest receipt for a key."""
    return f"/v1/{edition}/submissions/{quote(key, safe='')}"


def answer(receipt: Receipt) -> Response:
    """Return the answer to a request with this receipt.

    Raises:
        PostingError: If the request was refused, or isn't published.

    """
    receipt = public(receipt)
    headers = {"Location": address_of(receipt.edition, receipt.key), "Cache-Control": "no-store"}
    match receipt.status:
        case ReceiptStatus.ON_AIR | ReceiptStatus.DROPPED:
            return _json(receipt, HTTPStatus.CREATED, headers)
        case ReceiptStatus.HELD:
            return _json(receipt, HTTPStatus.ACCEPTED, headers)
        case ReceiptStatus.UNKNOWN:
            return _json(receipt, HTTPStatus.ACCEPTED, {**headers, "Retry-After": str(RETRY_S)})
        case ReceiptStatus.REFUSED | ReceiptStatus.LATE | ReceiptStatus.NOT_ON_AIR:
            raise _problem(receipt, headers)
    assert_never(receipt.status)


def found(receipt: Receipt) -> Response:
    """Return the answer to a question for the receipt of a key: 200 with any receipt."""
    headers = {"Cache-Control": "no-store"}
    if receipt.status is ReceiptStatus.UNKNOWN:
        headers["Retry-After"] = str(RETRY_S)
    return _json(public(receipt), HTTPStatus.OK, headers)


def no_receipt(edition: str, key: str) -> Receipt:
    """Return a receipt with the status `unknown`, for a key without a receipt."""
    detail = (
        "there is no receipt for this key: no request was sent with it, its outcome is still open, or its receipt is "
        "too old"
    )
    return Receipt(status=ReceiptStatus.UNKNOWN, edition=edition, key=key, errors=(Finding("no-receipt", detail),))


def held_items(edition: str, items: Sequence[Held]) -> Response:
    """Return the held items of an edition."""
    body = HeldItems(edition, tuple(_held_item(each) for each in items))
    return _json(body, HTTPStatus.OK, {"Cache-Control": "no-store"})


def public(receipt: Receipt) -> Receipt:
    """Return a receipt without the fingerprint, which is the posting part's own."""
    return msgspec.structs.replace(receipt, fingerprint=UNSET)


def _problem(receipt: Receipt, headers: dict[str, str]) -> PostingError:
    codes = [error.code for error in receipt.errors]
    detail = "; ".join(error.detail for error in receipt.errors) or "the desk gave no reason"
    retry_s: float | None = RETRY_S
    match receipt.status:
        case ReceiptStatus.REFUSED if "too-big" in codes:
            code, retry_s = "too-big", None
        case ReceiptStatus.REFUSED if receipt.is_temporary:
            code = next(each for each in codes if each in ("rate", "held", "log"))
            retry_s = receipt.retry_after_s or RETRY_S
        case ReceiptStatus.REFUSED:
            code, retry_s = "refused", None
        case ReceiptStatus.LATE:
            code = "late"
        case _:
            code = "no-redis" if "no-redis" in codes else "no-desk"
    if retry_s is not None:
        headers = {**headers, "Retry-After": str(math.ceil(retry_s))}
    return PostingError(code, detail, headers=headers, receipt=receipt)


def _held_item(held: Held) -> HeldItem:
    submission: dict[str, object] = msgspec.to_builtins(held.submission)
    return HeldItem(
        held=held.id,
        seen=content_mark(held, held.submission.version),
        editor=held.editor,
        reason=str(held.reason),
        submitted_at=held.submitted_at.isoformat(),
        due_at=None if held.due_at is None else held.due_at.isoformat(),
        needs=held.needs,
        submission={name: value for name, value in submission.items() if name not in _SENT},
    )


def _json(body: Receipt | HeldItems, status: HTTPStatus, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)
