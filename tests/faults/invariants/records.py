"""Records of the load: the editors' submissions with their answers, and each follower's messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from ticker.core.messages import Message


class Answer(StrEnum):
    """An editor's final knowledge about a submission."""

    ON_AIR = "on-air"
    HELD = "held"
    REFUSED = "refused"
    NEVER = "never"  # certainly not on air
    UNKNOWN = "unknown"  # may or may not be on air


class Attempt(msgspec.Struct):
    """One submission (one key of one editor), which may be sent several times, and the final answer.

    Attributes:
        text: Unique; None for a change without a text.
        positions: The positions in all of its receipts that said on air.
        was_held: The submission was a held item at some time, so it may come on air out of order, or never.
        due_at: When a held item is published; None if it waits for a second person.
        trace: The history of the submission, for the report of a violation.

    """

    editor: str
    key: str
    text: str | None = None
    answer: Answer = Answer.UNKNOWN
    positions: list[str] = msgspec.field(default_factory=list)
    was_held: bool = False
    due_at: datetime | None = None
    trace: list[str] = msgspec.field(default_factory=list)


class Opened(msgspec.Struct, frozen=True):
    """A gateway accepted a follower's connection. `after` is the position that the follower sent."""

    after: str | None


Event = Opened | Message


def unpublished_texts(attempts: Sequence[Attempt], *, has_lost: bool) -> set[str]:
    """Return the texts of held items that were never published."""
    never = (Answer.HELD, Answer.REFUSED)
    return {each.text for each in attempts if each.was_held and each.answer in never and each.text and not has_lost}
