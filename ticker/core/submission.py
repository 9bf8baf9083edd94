"""What an editor asks for, and what the desk answers.

An inbox is untrusted: whoever holds an editor's key can put any bytes into it. `decode_submission` is the boundary.
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
DEADLINE_MAX_S: Final = 86_400.0
"""A deadline is added to an instant: an inbox could otherwise name one that no calendar has."""


class Submission(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A change that an editor asks for. A field left out keeps what the line has (or the edition's default).

    `key` is the idempotency key: a second submission of the same editor with it gets the first one's receipt.
    `deadline_s` counts from when it reaches Redis; `until_ms`, an instant of Redis's clock, holds besides, so that what
    was long on its way isn't sent as if it were news. `id` and `version` name the line, and the version that the editor
    saw (None: whatever is the latest). `reason` is what readers are told of a correction or a withdrawal; `note` is for
    staff. `pinned` and `expires` are instants. `split_attribution` reads `Attribution: text` as its two
    parts: such a text says all of it, so that one without an attribution leaves the line without. Switched off, `text`
    is the text alone, and the attribution stays.
    """

    key: str
    change: Change
    deadline_s: Annotated[float, Meta(ge=0, le=DEADLINE_MAX_S)] = 30.0
    until_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
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
    expires: datetime | UnsetType | None = UNSET
    pinned: datetime | None = None
    reason: str | None = None
    note: str | None = None


class Outcome(StrEnum):
    """What became of a submission. The CLI's exit codes follow from it."""

    ON_AIR = "on-air"
    HELD = "held"
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
    is what the editor has to look at.
    """

    status: Outcome
    edition: str
    key: str
    id: str | None = None
    version: int | None = None
    position: str | None = None
    published: datetime | None = None
    warnings: tuple[Finding, ...] = ()
    errors: tuple[Finding, ...] = ()
    reach: Reach | None = None


_encoder = msgspec.json.Encoder()
_submission_decoder = msgspec.json.Decoder(Submission)
_receipt_decoder = msgspec.json.Decoder(Receipt)


def encode_submission(submission: Submission) -> bytes:
    """Write a submission.

    Raises:
        SubmissionError: `malformed` if a text has a lone surrogate, as arguments have that were no UTF-8.

    """
    try:
        return _encoder.encode(submission)
    except UnicodeEncodeError as error:
        raise SubmissionError("malformed", "the submission has bytes that are no UTF-8: check the terminal") from error


def decode_submission(data: bytes, bytes_max: int) -> Submission:
    """Read what lies in an inbox.

    Raises:
        SubmissionError: `too-big` above `bytes_max` bytes; `malformed` if it is no submission of this version, or its
            key is empty, longer than 128 characters or not printable.

    """
    if len(data) > bytes_max:
        raise SubmissionError("too-big", f"the submission has {len(data)} bytes: {bytes_max} at most")
    try:
        submission = _submission_decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"this is no submission that this desk can read: {error}") from error
    if not 0 < len(submission.key) <= KEY_MAX or not submission.key.isprintable():
        raise SubmissionError("malformed", f"a key has 1 to {KEY_MAX} printable characters")
    return submission


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
