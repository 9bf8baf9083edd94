"""Wrapping words that have isolates in them: a terminal sorts out directions a line at a time."""

from __future__ import annotations

from typing import Final

from textual.content import Content

from publisher_cli.words import FIRST_STRONG_ISOLATE, ISOLATES, POP_ISOLATE

_OPENING: Final = frozenset({FIRST_STRONG_ISOLATE, *ISOLATES.values()})


def wrapped(content: Content, width: int) -> Content:
    """Lines of at most `width` columns; what is isolated over several of them is isolated anew in each."""
    lines: list[Content] = []
    opened: list[str] = []
    for line in content.wrap(max(width, 1)):
        before = "".join(opened)
        for character in line.plain:
            if character in _OPENING:
                opened.append(character)
            elif character == POP_ISOLATE and opened:
                opened.pop()
        lines.append(Content(before) + line.rstrip() + Content(POP_ISOLATE * len(opened)))
    return Content("\n").join(lines)
