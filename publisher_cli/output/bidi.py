"""Isolates: control characters that make a terminal show a text in its own direction."""

from __future__ import annotations

import re
from typing import Final

from ticker.core.line import Direction

ISOLATES: Final = {Direction.LTR: "\u2066", Direction.RTL: "\u2067"}
FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"

_RIGHT_TO_LEFT: Final = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]"  # compiled if a text isn't ASCII: it takes 0.5 ms


def isolated(text: str, direction: Direction | None = None, within: Direction = Direction.LTR) -> str:
    """Return the text between isolates, so that it and the text around it don't affect each other's direction.

    Without a direction, the first letter that has one decides. A text without right-to-left letters stays as it is,
    unless it stands `within` a right-to-left text: some terminals show the isolates.
    """
    if within is Direction.LTR and not is_right_to_left(text):
        return text
    return f"{FIRST_STRONG_ISOLATE if direction is None else ISOLATES[direction]}{text}{POP_ISOLATE}"


def is_right_to_left(text: str) -> bool:
    """Return whether the text has any right-to-left letter."""
    return not text.isascii() and re.search(_RIGHT_TO_LEFT, text) is not None


def balanced(piece: str) -> str:
    """Return a piece of a wrapped text without isolates that start or end in another piece.

    An unmatched end would close the isolate that surrounds the whole piece.
    """
    if piece.count(FIRST_STRONG_ISOLATE) == piece.count(POP_ISOLATE):
        return piece
    return piece.replace(FIRST_STRONG_ISOLATE, "").replace(POP_ISOLATE, "")
