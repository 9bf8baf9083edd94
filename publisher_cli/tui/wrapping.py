"""Wrapping words that have isolates in them: a terminal sorts out directions a line at a time."""

from __future__ import annotations

import unicodedata
from typing import Final

from textual.content import Content

from publisher_cli.output.bidi import FIRST_STRONG_ISOLATE, ISOLATES, POP_ISOLATE
from ticker.core.line import Direction

_OPENING: Final = frozenset({FIRST_STRONG_ISOLATE, *ISOLATES.values()})


def wrapped(content: Content, width: int) -> Content:
    """Lines of at most `width` columns; what is isolated over several of them is isolated anew in each."""
    lines: list[Content] = []
    opened: list[str] = []
    for line in content.wrap(max(width, 1)):
        before = "".join(opened)
        for place, character in enumerate(line.plain):
            if character == FIRST_STRONG_ISOLATE:
                opened.append(ISOLATES[_first_strong(line.plain[place + 1 :])])  # of the next line, it could be another
            elif character in _OPENING:
                opened.append(character)
            elif character == POP_ISOLATE and opened:
                opened.pop()
        lines.append(Content(before) + line.rstrip() + Content(POP_ISOLATE * len(opened)))
    return Content("\n").join(lines)


def _first_strong(text: str) -> Direction:
    """The direction of the first letter that has one, up to where the isolate around it ends (UAX 9, P2 and P3)."""
    depth = 0
    for character in text:
        if character in _OPENING:
            depth += 1
        elif character == POP_ISOLATE:
            depth -= 1
            if depth < 0:
                break
        elif depth == 0 and (kind := unicodedata.bidirectional(character)) in ("L", "R", "AL"):
            return Direction.LTR if kind == "L" else Direction.RTL
    return Direction.LTR
