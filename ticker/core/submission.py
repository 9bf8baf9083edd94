"""What an editor asks for, and what the desk answers.

An inbox is untrusted: whoever holds an editor's key can put any bytes into it. `decode_request` is the boundary.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ticker.core.errors import UNREADABLE, SubmissionError
from ticker.core.line import Change, Direction

KEY_MAX: Final = 128
SALVAGE_BYTES: Final = 1024 * 1024
"""In an unreadable request above this size, not even the key is looked for."""

DEADLINE_MAX_S: Final = 86_400.0
"""A deadline is added to an instant: an inbox could otherwise name one that no calendar has."""

UNDO_MAX_S: Final = 300.0
"""An undo window is for second thoughts; what is to wait longer is scheduled."""


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What everything in an inbox has.

    `key` is the idempotency key: a second request of the same editor with this key gets the first one's receipt.
    `deadline_s` counts from when the request reaches Redis. `deadline_at_ms` is an absolute deadline on Redis's
    clock, so that a request stuck on its way is refused as late. `origin` is the client's description of itself, for
    the audit. `break_glass` is the reason for which a chief publishes without a second person.
    """

    key: str
    deadline_s: Annotated[float, Meta(ge=0, le=DEADLINE_MAX_S)] = 30.0
    deadline_at_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    origin: str | None = None
    break_glass: str | None = None


class Submission(Request, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A change that an editor asks for. A field left out keeps what the line has (or the edition's default).

    `id` and `version` name the line, and the version that the editor saw (None: whatever is the latest). `reason` is
    what readers are told of a correction or a withdrawal; `note` is for staff. `pinned` and `expires` are instants.
    `split_attribution` reads `Attribution: text` as its two parts: such a text says all of it, so that one without an
    attribution leaves the line without. Switched off, `text` is the text alone, and the attribution stays.

    It is held until `publish_at` and `embargo_until`, where these are given, and for `undo_s` seconds (None: as the
    edition says) in which it can be taken back unseen. `again` says that it is meant though it looks like a repetition.
    """

    change: Change
    id: str | None = None
    version: int | None = None
    text: str | UnsetType = UNSET
    split_attribution: bool = True
    attribution: str | UnsetType | None = UNSET
    lang: str | UnsetType = UNSET
    dir: Direction | UnsetType = UNSET
    urgency: int | UnsetType = UNSET
    section: str | UnsetType | None = UNSET
    regions: tuple[str, ...] | UnsetType = UNSET
    coverage: str | UnsetType | None = UNSET
    url: str | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    pinned_until: datetime | None = None
    reason: str | None = None
    note: str | None = None
    publish_at: datetime | None = None
    embargo_until: datetime | None = None
    undo_s: Annotated[float, Meta(ge=0, le=UNDO_MAX_S)] | None = None
    again: bool = False


class Decision(StrEnum):
    """What somebody decides on a submission that is held."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


class DecisionRequest(Request, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an editor decides on something held: `held` is its id. A rejection has a `reason`, for its author."""

    decision: Decision
    held: str
    reason: str | None = None


class ReceiptStatus(StrEnum):
    """What became of a request. The CLI's exit codes follow from it."""

    ON_AIR = "on-air"
    HELD = "held"
    DROPPED = "dropped"  # what was held was rejected or cancelled: it never went on air
    REFUSED = "refused"
    LATE = "late"
    NOT_ON_AIR = "not-on-air"  # said by the client alone, where no answer came in time


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a rule found: a stable code, and a sentence with the value, the bound and the remedy."""

    code: str
    detail: str


class Reach(msgspec.Struct, frozen=True):
    """How many gateways had sent an entry to how many followers after `ms` milliseconds."""

    gateways: int
    followers: int
    ms: float


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The desk's answer. `position` and `published` are set when the line is on air.

    `id` and `version` name the line's version that is in force, also for a refusal of a change to a known line: that
    is what the editor has to look at. `asked` is what was asked for: a `Change` or a `Decision`.

    What is held has an id of its own in `held` (a new line's is the one that the line will have), waits until `due`
    (None: for no time), and for a second person because of `needs`. Whoever gave it the last word stands in `by`.
    Something held has a second receipt with the same key later: on air, dropped, or refused after all. `test` is true
    in a test edition.
    """

    status: ReceiptStatus
    edition: str
    key: str
    action: str | None = None
    id: str | None = None
    version: int | None = None
    position: str | None = None
    published_at: datetime | None = None
    warnings: tuple[Finding, ...] = ()
    errors: tuple[Finding, ...] = ()
    held: str | None = None
    due_at: datetime | None = None
    needs: tuple[Finding, ...] = ()
    decided_by: str | None = None
    reason: str | None = None
    reach: Reach | None = None
    test: bool = False


class _Keyed(msgspec.Struct):
    key: str


class _Kind(msgspec.Struct):
    decision: msgspec.Raw | UnsetType = UNSET


_encoder = msgspec.json.Encoder()
_kind_decoder = msgspec.json.Decoder(_Kind)
_submission_decoder = msgspec.json.Decoder(Submission)
_ruling_decoder = msgspec.json.Decoder(DecisionRequest)
_receipt_decoder = msgspec.json.Decoder(Receipt)


def encode_request(request: Request) -> bytes:
    """Write a submission or a ruling.

    Raises:
        SubmissionError: `malformed` if a text has a lone surrogate, as arguments have that were no UTF-8.

    """
    try:
        return _encoder.encode(request)
    except UnicodeEncodeError as error:
        raise SubmissionError("malformed", "the submission has bytes that are no UTF-8: check the terminal") from error


def decode_request(data: bytes, bytes_max: int) -> Submission | DecisionRequest:
    """Read what lies in an inbox: a ruling where it has a `decision`, else a submission.

    Raises:
        SubmissionError: `too-big` above `bytes_max` bytes; `malformed` if it is no submission of this version, or its
            key is empty, longer than 128 characters or not printable.

    """
    if len(data) > bytes_max:
        raise SubmissionError("too-big", f"the submission has {len(data)} bytes: {bytes_max} at most")
    try:
        is_ruling = _kind_decoder.decode(data).decision is not UNSET
        request = _ruling_decoder.decode(data) if is_ruling else _submission_decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"this is no submission that this desk can read: {error}") from error
    if not _is_key(request.key):
        raise SubmissionError("malformed", f"a key has 1 to {KEY_MAX} printable characters")
    return request


def salvage_key(data: bytes) -> str:
    """Return the key of a request that `decode_request` refused, or an empty string if it has no valid key."""
    if len(data) > SALVAGE_BYTES:
        return ""
    try:
        key = msgspec.json.decode(data, type=_Keyed).key
    except UNREADABLE:
        return ""
    return key if _is_key(key) else ""


def _is_key(key: str) -> bool:
    return 0 < len(key) <= KEY_MAX and key.isprintable()


def encode_receipt(receipt: Receipt) -> bytes:
    return _encoder.encode(receipt)


def decode_receipt(data: bytes) -> Receipt:
    """Read a receipt.

    Raises:
        SubmissionError: `malformed` if it is no receipt of this version.

    """
    try:
        return _receipt_decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"this is no receipt: {error}") from error
