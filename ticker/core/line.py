"""A line: one short breaking item, known for life by its id, and its versions.

The field names are those of the wire. They map one to one to IPTC ninjs 3.1 (see `docs/protocol.md`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Change(StrEnum):
    """What made a version of a line, in the words of the newsroom."""

    NEW = "new"
    UPDATE = "update"  # new facts
    REFILE = "refile"  # a small error put right without telling readers
    CORRECT = "correct"  # a labelled correction: readers are told what changed
    WITHDRAW = "withdraw"  # the text goes for good, a notice stays
    HIDE = "hide"  # off the board, may come back
    UNHIDE = "unhide"  # back on the board
    PIN = "pin"
    UNPIN = "unpin"


REWRITES: Final = frozenset({Change.UPDATE, Change.REFILE, Change.CORRECT})
TEXT_CHANGES: Final = REWRITES | {Change.NEW}
"""Changes that put text on air. A change that takes text off the screens is never delayed."""


class Status(StrEnum):
    """Whether a line shows, in the words of ninjs `pubStatus` (US spelling)."""

    USABLE = "usable"
    WITHHELD = "withheld"
    CANCELED = "canceled"


class Direction(StrEnum):
    """The base direction of a text, as HTML's `dir`."""

    LTR = "ltr"
    RTL = "rtl"


URGENCY_FLASH = 1
URGENCY_ROUTINE = 4
URGENCY_LEAST = 9
"""IPTC's scale ends at 9; the wires use 1 flash, 2 bulletin, 3 urgent, 4 routine."""


class Facets(msgspec.Struct, frozen=True):
    """What a selection looks at in one version of a line."""

    urgency: int
    section: str | None = None
    regions: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a line, whole: a reader that knows only this version can show it.

    `text` is plain text of one line, NFC; empty unless `status` is usable. `number` is the seq of the line's first
    entry: it orders the board, because no clock is trusted. Times are aware and in UTC. `pinned` is until when the line
    stays on top, `expires` when it leaves the board; `correction` is what readers are told of a correction or a
    withdrawal. `test` marks a line of a test edition, for life. What is None or empty is left out on the wire: a third
    of the bytes of most lines.
    """

    id: str
    version: int
    number: int
    change: Change
    status: Status = msgspec.field(default_factory=lambda: Status.USABLE)  # a factory's value is never left out
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
        """True for what belongs on a board at `now`: a usable line or the notice of a withdrawn one, not expired."""
        return self.status is not Status.WITHHELD and (self.expires_at is None or self.expires_at > now)

    def is_pinned(self, now: datetime) -> bool:
        return self.pinned_until is not None and self.pinned_until > now and self.status is Status.USABLE

    def without_text(self, status: Status) -> Line:
        """This version with all that could repeat its text removed: what is left of it once the line is taken back.

        The correction goes too: it may quote the text.
        """
        return msgspec.structs.replace(
            self, status=status, text="", attribution=None, url=None, correction=None, pinned_until=None
        )
