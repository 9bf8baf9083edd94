"""What is held: a submission that waits for its time or for another person. Never public, and never in a log.

It is kept in Redis as JSON (RFC 8259) of `Held`, in the edition's hash `held`, and becomes an entry at most once:
`append.lua` takes it out in the same step that appends the entry.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from ticker.core.errors import UNREADABLE, SubmissionError
from ticker.core.submission import Finding, Submission


class Reason(StrEnum):
    """Why something is held."""

    APPROVAL = "approval"  # another person has to look at it
    OVERDUE = "overdue"  # its time passed while no desk was there: somebody has to say that it is still news
    EMBARGO = "embargo"
    SCHEDULED = "scheduled"
    UNDO = "undo"  # its author may still take it back


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A submission that waits.

    `id` names it: a new line will have it too, a change of a line has one of its own. It goes on air once `due` has
    come (None: at once) and nothing is left in `needs`, or somebody else has approved it. `submitted` is when it
    reached Redis. `overridden` are the codes of rules that were overridden when it was handed in.
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
        """Whether it goes on air by itself at `now`."""
        return not self.waits_for_person and (self.due_at is None or self.due_at <= now)

    @property
    def reason(self) -> Reason:
        """The foremost of the reasons."""
        if self.overdue:
            return Reason.OVERDUE
        if self.waits_for_person:
            return Reason.APPROVAL
        if self.submission.embargo_until is not None and self.submission.embargo_until == self.due_at:
            return Reason.EMBARGO
        return Reason.UNDO if self.submission.publish_at is None else Reason.SCHEDULED


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Held)


def encode_held(held: Held) -> bytes:
    return _encoder.encode(held)


def decode_held(data: bytes) -> Held:
    """Read what is held.

    Raises:
        SubmissionError: `malformed` if it can't be read by this version.

    """
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise SubmissionError("malformed", f"what is held can't be read by this version: {error}") from error
