"""Isolates: control characters that set a text in its own direction on a terminal."""

from __future__ import annotations

import re
from typing import Final

from ticker.core.line import Direction

ISOLATES: Final = {Direction.LTR: "\u2066", Direction.RTL: "\u2067"}
FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"

_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


def isolated(text: str, direction: Direction | None = None, within: Direction = Direction.LTR) -> str:
    """The text so that a terminal sets it in its own direction and leaves what stands around it alone.

    Without a direction, the first letter that has one decides. A text without any right-to-left letter stays as it is,
    unless it stands `within` a text from right to left: not every terminal hides the marks.
    """
    if within is Direction.LTR and not is_right_to_left(text):
        return text
    return f"{FIRST_STRONG_ISOLATE if direction is None else ISOLATES[direction]}{text}{POP_ISOLATE}"


def is_right_to_left(text: str) -> bool:
    """Whether there is any right-to-left letter in it."""
    return _RIGHT_TO_LEFT.search(text) is not None


def balanced(piece: str) -> str:
    """A piece of a wrapped text without the isolates that begin or end in another piece.

    Left in, the end of one that began elsewhere would end what the piece itself is put into.
    """
    if piece.count(FIRST_STRONG_ISOLATE) == piece.count(POP_ISOLATE):
        return piece
    return piece.replace(FIRST_STRONG_ISOLATE, "").replace(POP_ISOLATE, "")
