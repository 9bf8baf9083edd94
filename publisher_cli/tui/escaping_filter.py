"""The filter through which everything on the screen passes: no text can control the terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from ticker.core.escaping import UNSAFE


class EscapingFilter(LineFilter):
    """Removes control characters. The width stays: a removed character that has a width becomes a question mark."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.control or segment.text.isprintable() else segment._replace(text=_safe(segment.text))
            for segment in segments
        ]


def _safe(text: str) -> str:
    return re.sub(UNSAFE, lambda match: "?" * cell_len(match[0]), text)
