"""A line: one short news item. Its id stays the same through all its versions.

The fields have the same names on the wire. They map one to one to IPTC ninjs 3.1 (see `docs/protocol.md`).
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Change(StrEnum):
    """The change that made a version of a line."""

    NEW = "new"
    UPDATE = "update"  # new facts
    REFILE = "refile"  # a small error, fixed without a note to readers
    CORRECT = "correct"  # a correction: readers see what changed
    WITHDRAW = "withdraw"  # the text is removed for good, a notice stays
    HIDE = "hide"  # off the board without a notice
    UNHIDE = "unhide"  # back on the board
    PIN = "pin"
    UNPIN = "unpin"


REWRITES: Final = frozenset({Change.UPDATE, Change.REFILE, Change.CORRECT})
TEXT_CHANGES: Final = REWRITES | {Change.NEW}
"""Changes that put text on air. A change that takes text off the screens is never delayed."""


class Status(StrEnum):
    """The status of a line, in the words of ninjs `pubStatus` (US spelling)."""

    USABLE = "usable"
    WITHHELD = "withheld"
    CANCELED = "canceled"


class Direction(StrEnum):
    """The base direction of a text, as HTML's `dir`."""

    LTR = "ltr"
    RTL = "rtl"


LINE_ID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{10}", re.ASCII)
"""The form of the ids that desks make: Crockford's base 32 in lower case."""

VERSION_LAST: Final = 2**31 - 1
"""The version of the withdrawal of a forgotten line. The real number of versions is unknown, but lower."""

URGENCY_FLASH = 1
URGENCY_ROUTINE = 4
URGENCY_LEAST = 9
"""The end of IPTC's scale. News agencies use 1 flash, 2 bulletin, 3 urgent, 4 routine."""


class Facets(msgspec.Struct, frozen=True):
    """The fields of a version that selections compare."""

    urgency: int
    section: str | None = None
    regions: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One complete version of a line: a reader can show it without knowing an earlier one.

    On the wire, fields that are None or empty are left out. That saves a third of the bytes of most lines.

    Attributes:
        number: The seq of the line's first entry. It orders the board, because clocks can't be trusted.
        text: One line of plain text in NFC, or empty unless `status` is usable.
        expires_at: When the line leaves the board. Times are aware and in UTC.
        correction: The reason for a correction or a withdrawal, for readers.
        pinned_until: Until when the line stays on top of the board.
        test: The line belongs to a test edition.

    """

    id: str
    version: int
    number: int
    change: Change
    status: Status = msgspec.field(default_factory=lambda: Status.USABLE)  # msgspec never leaves out a factory's value
    text: str
    attribution: str | None = None
    lang: str
    dir: Direction
    urgency: int = msgspec.field(default_factory=lambda: URGENCY_ROUTINE)
    section: str | None = None
    regions: tuple[str, ...] = ()
    coverage: str | None = None
    url: str | None = None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    correction: str | None = None
    pinned_until: datetime | None = None
    test: bool = False

    @property
    def facets(self) -> Facets:
        return Facets(self.urgency, self.section, self.regions)

    def shows(self, now: datetime) -> bool:
        """Return True if the line is visible at `now`: it is usable or withdrawn, and has not expired."""
        return self.status is not Status.WITHHELD and (self.expires_at is None or self.expires_at > now)

    def is_pinned(self, now: datetime) -> bool:
        return self.pinned_until is not None and self.pinned_until > now and self.status is Status.USABLE

    def without_text(self, status: Status) -> Line:
        """Return this version without its text and without every field that could quote the text.

        The facets stay: they decide which followers are sent this version.
        """
        return msgspec.structs.replace(
            self, status=status, text="", attribution=None, coverage=None, url=None, correction=None, pinned_until=None
        )
