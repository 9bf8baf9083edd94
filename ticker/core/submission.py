"""The requests of editors, and the desk's receipts.

Inboxes are untrusted: an editor can put any bytes into their own. `decode_request` validates them.
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
"""The maximum size of an unreadable request whose key is still read."""

FINGERPRINT_MAX: Final = 64

DEADLINE_MAX_S: Final = 86_400.0
"""The maximum deadline. It is limited because a deadline is added to a time, which must remain a valid date."""

TEMPORARY: Final = frozenset({"rate", "held", "log"})
"""The codes of refusals whose reason may be gone later: a limit of the editor, or a damaged log."""

UNDO_MAX_S: Final = 300.0
"""The maximum undo window. Schedule a line that must wait longer."""


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The fields of every request.

    `key` is the idempotency key: a second request of the same editor with this key gets the first one's receipt.
    `deadline_s` counts from when the request reaches Redis. `deadline_at_ms` is an absolute deadline on Redis's
    clock, so that a request stuck on its way is refused as late. `origin` is the client's description of itself, for
    the audit. `break_glass` is the reason for which a chief publishes without a second person. `fingerprint` is a hash
    of the client's own request: the receipt repeats it, so that the client notices a key that it used for another one.
    """

    key: str
    deadline_s: Annotated[float, Meta(ge=0, le=DEADLINE_MAX_S)] = 30.0
    deadline_at_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    origin: str | None = None
    break_glass: str | None = None
    fingerprint: Annotated[str, Meta(max_length=FINGERPRINT_MAX)] | UnsetType = UNSET


class Submission(Request, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A change of a line, or a new line. An unset field keeps the line's value, or the edition's default in a new line.

    Attributes:
        id: The line to change.
        version: The version that the editor saw (None: the latest).
        split_attribution: Split a text like `Attribution: text` into the two fields. A text without an attribution then
            removes the line's attribution. If this is False, the attribution stays.
        reason: The reason for a correction or a withdrawal, for readers.
        note: A note for staff.
        publish_at: Hold the submission until this time.
        embargo_until: Hold the submission until this time.
        undo_s: Hold the submission for this many seconds, in which it can be cancelled (None: the edition's setting).
        again: Post even if the line looks like a duplicate.
        forgotten: Withdraw the line even if the desk no longer knows it. `id` must be its whole id.
        confirmed: The editor has confirmed what the rules with the effect `ask` find.

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
    forgotten: bool = False
    confirmed: bool = False


class Decision(StrEnum):
    """An editor's decision on a held item."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


class DecisionRequest(Request, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A request to decide on the held item with the id `held`. A rejection needs a `reason`, which the author gets.

    `seen` is the `content_mark` of the item that the editor saw. An approval needs it, and is refused if the item has
    any other content.
    """

    decision: Decision
    held: str
    seen: str | None = None
    reason: str | None = None


class ReceiptStatus(StrEnum):
    """The result of a request. The exit codes of `tick` correspond to it."""

    ON_AIR = "on-air"
    HELD = "held"
    DROPPED = "dropped"  # the held item was rejected or cancelled, and was never published
    REFUSED = "refused"
    LATE = "late"
    NOT_ON_AIR = "not-on-air"  # no receipt came in time, and none will; only clients use this status
    UNKNOWN = "unknown"  # sent, but the outcome is open: it may be on air; only clients use this status


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding of a rule: a stable code, and a sentence with the value, the limit and the remedy.

    If `asks`, the editor may submit the same request again with `confirmed`, which overrides this finding.
    """

    code: str
    detail: str
    asks: bool = False


class Reach(msgspec.Struct, frozen=True):
    """The gateways and followers that had been sent an entry after `ms` milliseconds."""

    gateways: int
    followers: int
    ms: float


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The desk's answer to a request.

    A held submission gets a second receipt with the same key later: on air, dropped or refused.

    Attributes:
        action: The request's `Change` or `Decision`.
        id: The line. A refusal names the line as well, if it exists.
        version: The current version of the line.
        attribution: The source of the line, if the request published or held one.
        position: The entry's position, if the line is on air.
        published_at: When the line went on air.
        held: The id of the held item. A new line gets the same id when it is published.
        due_at: When the held item is due (None: it waits for no time).
        needs: Why the held item needs a second person.
        decided_by: The editor who made the last decision on the held item.
        reason: The reason for a rejection or cancellation.
        text: The text of the held item that somebody decided on, with its source (None: a change without a text).
        retry_after_s: A refusal only: after how many seconds the same request, with the same key, may be accepted.
        history: The history of the log that `position` belongs to. `ticker rotate` begins another one.
        test: The edition is a test edition.
        fingerprint: That of the request, if it had one.

    """

    status: ReceiptStatus
    edition: str
    key: str
    action: str | None = None
    id: str | None = None
    version: int | None = None
    attribution: str | None = None
    position: str | None = None
    published_at: datetime | None = None
    warnings: tuple[Finding, ...] = ()
    errors: tuple[Finding, ...] = ()
    held: str | None = None
    due_at: datetime | None = None
    needs: tuple[Finding, ...] = ()
    decided_by: str | None = None
    reason: str | None = None
    text: str | None = None
    reach: Reach | None = None
    retry_after_s: float | None = None
    history: str | None = None
    test: bool = False
    fingerprint: str | UnsetType = UNSET

    @property
    def is_temporary(self) -> bool:
        """Return True for a refusal whose reason may be gone later. Its key is not used up."""
        return self.status is ReceiptStatus.REFUSED and any(error.code in TEMPORARY for error in self.errors)

    @property
    def uses_up_key(self) -> bool:
        """Return False if a later request with the same key gets an outcome of its own."""
        return self.status is not ReceiptStatus.LATE and not self.is_temporary

    def is_of_history(self, history: str) -> bool:
        """Return False for the receipt of an entry that is in another history of the log."""
        return self.position is None or self.history is None or self.history == history


class _Keyed(msgspec.Struct):
    key: str


class _Kind(msgspec.Struct):
    decision: msgspec.Raw | UnsetType = UNSET


_encoder = msgspec.json.Encoder()
_kind_decoder = msgspec.json.Decoder(_Kind)
_submission_decoder = msgspec.json.Decoder(Submission)
_decision_decoder = msgspec.json.Decoder(DecisionRequest)
_receipt_decoder = msgspec.json.Decoder(Receipt)


def encode_request(request: Request) -> bytes:
    """Encode a submission or a decision.

    Raises:
        SubmissionError: `malformed` if a text has a lone surrogate. Command-line arguments have one for each byte that
            is not UTF-8.

    """
    try:
        return _encoder.encode(request)
    except UnicodeEncodeError as error:
        raise SubmissionError("malformed", "the submission has bytes that are not UTF-8: check the terminal") from error


def decode_request(data: bytes, bytes_max: int) -> Submission | DecisionRequest:
    """Decode a request from an inbox. It is a decision if it has a field `decision`, else a submission.

    Raises:
        SubmissionError: `too-big` above `bytes_max` bytes. `malformed` if this version can't read it, or its key is
            empty, longer than 128 characters or not printable.

    """
    if len(data) > bytes_max:
        raise SubmissionError(
            "too-big", f"the submission has {len(data):,} bytes with all its fields: {bytes_max:,} at most, shorten it"
        )
    try:
        is_decision = _kind_decoder.decode(data).decision is not UNSET
        request = _decision_decoder.decode(data) if is_decision else _submission_decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"this desk can't read the submission: {error}") from error
    if not is_key(request.key):
        raise SubmissionError("malformed", f"a key has 1 to {KEY_MAX} printable characters")
    return request


def salvage_key(data: bytes) -> str:
    """Return the key of a request that `decode_request` refused, or "" if the key is missing or invalid."""
    if len(data) > SALVAGE_BYTES:
        return ""
    try:
        key = msgspec.json.decode(data, type=_Keyed).key
    except UNREADABLE:
        return ""
    return key if is_key(key) else ""


def is_key(key: str) -> bool:
    """Return True for a valid idempotency key. The desk can't answer a request with another one."""
    return 0 < len(key) <= KEY_MAX and key.isprintable()


def encode_receipt(receipt: Receipt) -> bytes:
    return _encoder.encode(receipt)


def decode_receipt(data: bytes) -> Receipt:
    """Decode a receipt.

    Raises:
        SubmissionError: `malformed` if this version can't read it.

    """
    try:
        return _receipt_decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"this is not a receipt: {error}") from error
