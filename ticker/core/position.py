"""Positions and links: where a reader is in an edition's log, and in which history.

`link = sha256(previous link ‖ entry bytes)`; the first entry's previous link is the log's nonce. If the entry at a
position's `seq` has the position's link, everything up to it is the history that the reader saw. One check finds every
loss: a restored backup, a failover to a lagging replica, a flush, a truncated file.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

import msgspec

from ticker.core.errors import PositionError

MARK_DIGITS: Final = 16
"""How many hex digits of a link a position carries: 64 bits, enough to tell histories apart."""

SEQ_MAX: Final = 2**53 - 1
"""The largest seq: the largest integer that JavaScript counts exactly."""

_POSITION = re.compile(r"(0|[1-9][0-9]{0,15})-([0-9a-f]{16})", re.ASCII)


class Position(msgspec.Struct, frozen=True):
    """An entry's number and the first 16 hex digits of its link. Seq 0, with the nonce, is the start of a log."""

    seq: int
    mark: str

    def __str__(self) -> str:
        return f"{self.seq}-{self.mark}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read `<seq>-<16 lower-case hex digits>`.

        Raises:
            PositionError: For anything else, with the first 40 characters of it.

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


def next_link(previous: str, entry: bytes) -> str:
    """The link of `entry`, whose predecessor has the link `previous` (64 hex digits; the nonce for the first entry)."""
    return sha256(bytes.fromhex(previous) + entry).hexdigest()
