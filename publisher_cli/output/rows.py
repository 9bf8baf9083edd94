"""A row of a board, a log or a list, before it is fitted into a terminal or printed as a plain line."""

from __future__ import annotations

import msgspec

from ticker.core.line import Direction


class Row(msgspec.Struct, frozen=True):
    """Short cells, then a text that fills the rest of the width, and the text's direction.

    `style` is the row's style on a terminal, in the notation of Rich.
    """

    cells: tuple[str, ...]
    text: str
    dir: Direction
    style: str = ""
