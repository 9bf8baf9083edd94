"""Positions and links: a reader's place in an edition's log, and a proof of the log's history up to it.

`link = sha256(previous link ‖ entry bytes)`. For the first entry, the previous link is the log's nonce. If the entry at
a position's `seq` has the position's link, the log up to there is the one that the reader saw. This one check detects
every loss: a restored backup, a failover to a lagging replica, a flush, a truncated file.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ticker.core.errors import PositionError

MARK_DIGITS: Final = 16
"""The number of hex digits of a link in a position: 64 bits, enough to distinguish histories."""

SEQ_MAX: Final = 2**53 - 1
"""The largest seq: the largest integer that JavaScript represents exactly."""

_POSITION = re.compile(r"(0|[1-9][0-9]{0,15})-([0-9a-f]{16})", re.ASCII)


class Position(msgspec.Struct, frozen=True):
    """An entry's number and the first 16 hex digits of its link. Seq 0 with the nonce is the start of a log."""

    seq: int
    mark: str

    def __str__(self) -> str:
        return f"{self.seq}-{self.mark}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Parse `<seq>-<16 lower-case hex digits>`.

        Raises:
            PositionError: If the text has another form. The message quotes its first 40 characters.

        """
        match = _POSITION.fullmatch(text)
        if match is None or int(match[1]) > SEQ_MAX:
            shown = ascii(text[:40])
            raise PositionError(
                f"{shown} is not a position: it has the form <seq>-<16 hex digits>, as `position` in every message"
            )
        return cls(int(match[1]), match[2])

    @classmethod
    def of(cls, seq: int, link: str) -> Position:
        return cls(seq, link[:MARK_DIGITS])


def history_of(nonce: str) -> str:
    """Return a short name of a log's history: the first digits of its nonce."""
    return nonce[:MARK_DIGITS]


def next_link(previous: str, entry: bytes) -> str:
    """Return the link of `entry`. `previous` is the link of the entry before it, or the nonce for the first entry."""
    from hashlib import sha256  # noqa: PLC0415 -- it loads OpenSSL for 4 ms, and `tick post` computes no link

    return sha256(bytes.fromhex(previous) + entry).hexdigest()
