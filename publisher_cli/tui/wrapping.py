"""Wrap text that contains directional isolates: a terminal orders right-to-left text one line at a time."""

from __future__ import annotations

import unicodedata
from typing import Final

from textual.content import Content

from publisher_cli.output.bidi import FIRST_STRONG_ISOLATE, ISOLATES, POP_ISOLATE
from ticker.core.line import Direction

_OPENING: Final = frozenset({FIRST_STRONG_ISOLATE, *ISOLATES.values()})


def wrapped(content: Content, width: int) -> Content:
    """Wrap `content` to `width` columns. An isolate that spans several lines is closed and reopened in each of them."""
    lines: list[Content] = []
    opened: list[str] = []
    for line in content.wrap(max(width, 1)):
        before = "".join(opened)
        for index, character in enumerate(line.plain):
            if character == FIRST_STRONG_ISOLATE:
                # Reopen it with an explicit direction: the first letter of the next line may have another one.
                opened.append(ISOLATES[_first_strong(line.plain[index + 1 :])])
            elif character in _OPENING:
                opened.append(character)
            elif character == POP_ISOLATE and opened:
                opened.pop()
        lines.append(Content(before) + line.rstrip() + Content(POP_ISOLATE * len(opened)))
    return Content("\n").join(lines)


def _first_strong(text: str) -> Direction:
    """Return the direction of the first strong letter before the enclosing isolate ends (UAX 9, rules P2 and P3)."""
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
