"""Write the entries of a log, each stamped with the time of its posting. All subjects get the same entries."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from ticker.core.entry import Entry, encode_entry
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.messages import encode_line
from ticker.core.position import Position, next_link

EDITION: Final = "en"
SECTION: Final = "economy"
REGION: Final = "europe"
URGENCY: Final = 2
WORDS: Final = "Central bank raises its main rate by half a point to 4.25 %"


class Posted(NamedTuple):
    """An entry as it is in the log (`data`, `link`) and as followers get it (`message`), with its stamp in ns."""

    seq: int
    link: str
    data: bytes
    message: bytes
    posted_at: int


class LogWriter:
    """Writes one log, entry by entry, and knows all its positions."""

    def __init__(self, nonce: str | None = None) -> None:
        """Start a log, with `nonce` or a random one."""
        self.nonce = nonce or secrets.token_hex(32)
        self._links = [self.nonce]

    @property
    def head(self) -> int:
        return len(self._links) - 1

    def position(self, seq: int) -> Position:
        return Position.of(seq, self._links[seq])

    def write(self) -> Posted:
        """Return the next entry. It is stamped before any other work."""
        posted_at, now = time.monotonic_ns(), datetime.now(UTC)
        return self._append(make_line(self.head + 1, f"T={posted_at}; {WORDS}", now), now, posted_at)

    def withdraw_last(self) -> Posted:
        """Return the withdrawal of the line of the last entry. Its reason has the stamp."""
        posted_at, now = time.monotonic_ns(), datetime.now(UTC)
        line = msgspec.structs.replace(
            make_line(self.head, "", now),
            version=2,
            change=Change.WITHDRAW,
            status=Status.CANCELED,
            correction=f"T={posted_at}; the bank has not decided yet",
        )
        return self._append(line, now, posted_at)

    def _append(self, line: Line, now: datetime, posted_at: int) -> Posted:
        seq = self.head + 1
        data = encode_entry(Entry(line=line, editor="archive", key=f"archive-{seq}", submitted_at=now))
        link = next_link(self._links[-1], data)
        self._links.append(link)
        return Posted(seq, link, data, encode_line(self.position(seq), line), posted_at)


def make_line(
    number: int, text: str, now: datetime, *, lang: str = EDITION, direction: Direction = Direction.LTR
) -> Line:
    """Return the first version of a line."""
    return Line(
        id=f"bench{number:07d}",
        version=1,
        number=number,
        change=Change.NEW,
        text=text,
        lang=lang,
        dir=direction,
        urgency=URGENCY,
        section=SECTION,
        regions=(REGION,),
        created_at=now,
        updated_at=now,
    )
