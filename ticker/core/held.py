"""Held items: submissions that wait for their time, a second person, or the end of their undo window. Never public.

A held item is stored as JSON (RFC 8259) of `Held` in the edition's hash `held`. It is published at most once, because
`append.lua` removes it in the same step that appends the entry.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from ticker.core.errors import UNREADABLE, SubmissionError
from ticker.core.submission import Finding, Submission

_MARK_DIGITS: Final = 16
"""The number of hex digits of a content mark: 64 bits, so that nobody finds two contents with one mark."""


class Reason(StrEnum):
    """Why an item is held."""

    APPROVAL = "approval"  # a second person must approve it
    OVERDUE = "overdue"  # it was due while no desk was running: a person must confirm that it is still news
    EMBARGO = "embargo"
    SCHEDULED = "scheduled"
    UNDO = "undo"  # its author can still cancel it


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A held item.

    `id` identifies the item. A new line gets the same id when it is published. `submission` is published at `due_at`
    (None: immediately), once a second person has approved it if there are `needs`. `submitted_at` is when the
    submission reached Redis. `overridden` has the codes of the rules that its author overrode.

    The submission of a change names the version of the line that was the latest when the item was held. If the line
    gets another version, the item can't be published any more: its author and the person who approves it saw the line
    as it was before.
    """

    id: str
    editor: str
    submission: Submission
    submitted_at: datetime
    due_at: datetime | None = None
    needs: tuple[Finding, ...] = ()
    approved_by: str | None = None
    overdue: bool = False
    overridden: tuple[str, ...] = ()

    @property
    def waits_for_person(self) -> bool:
        return self.overdue or (bool(self.needs) and self.approved_by is None)

    def is_due(self, now: datetime) -> bool:
        """Return True if the item must be published at `now` without a decision by a person."""
        return not self.waits_for_person and (self.due_at is None or self.due_at <= now)

    @property
    def reason(self) -> Reason:
        """The most important reason."""
        if self.overdue:
            return Reason.OVERDUE
        if self.waits_for_person:
            return Reason.APPROVAL
        if self.submission.embargo_until is not None and self.submission.embargo_until == self.due_at:
            return Reason.EMBARGO
        return Reason.UNDO if self.submission.publish_at is None else Reason.SCHEDULED


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Held)


def content_mark(held: Held, shown_version: int | None) -> str:
    """Return a mark of what a person sees before they decide: the item, and the line that it would change.

    The mark is the first 16 hex digits of a hash. `shown_version` is the version of the line (None: it is a new line).
    """
    submission = msgspec.structs.replace(held.submission, version=shown_version)
    return sha256(encode_held(msgspec.structs.replace(held, submission=submission))).hexdigest()[:_MARK_DIGITS]


def encode_held(held: Held) -> bytes:
    return _encoder.encode(held)


def decode_held(data: bytes) -> Held:
    """Decode a held item.

    Raises:
        SubmissionError: `malformed` if this version can't read it.

    """
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"this version can't read the held item: {error}") from error
