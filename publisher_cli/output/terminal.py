"""Draw tables on a terminal with Rich, which is slow to import. Control characters are escaped, as `Console` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Final

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from publisher_cli.output import bidi
from publisher_cli.output.rows import Row
from ticker.console import Console
from ticker.core.escaping import escape

GAP: Final = 2
TEXT_MIN: Final = 20
"""Columns for the text. On a terminal that is too narrow for them, the text stands below the cells."""
INDENT: Final = 2
"""Columns before a text that stands below its cells."""


class Terminal(RichConsole):
    """A Rich console that escapes every text. Its own control sequences are separate segments, and stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_escaped(segment.text), segment.style)


def open_terminal(console: Console, file: IO[str]) -> Terminal:
    """Return a Rich console that writes to `file`, one of the streams of `console`."""
    return Terminal(file=file, no_color=not console.has_colour, highlight=False)


def fitted(rows: Sequence[Row], terminal: Terminal) -> Table:
    """Return the rows as a table that is as wide as the terminal, with the texts wrapped in their column.

    If the cells leave too little room, each text stands below them.
    """
    table = Table.grid(padding=(0, GAP, 0, 0))
    columns = range(max((len(row.cells) for row in rows), default=0))
    widths = [max(len(row.cells[column]) for row in rows) for column in columns]
    used = sum(width + GAP for width in widths if width)
    is_below = terminal.width - used < TEXT_MIN
    room = max(terminal.width - (INDENT if is_below else used), TEXT_MIN)
    for row in rows:
        cells = [Text(escape(cell), no_wrap=True) for cell, width in zip(row.cells, widths, strict=True) if width]
        # Isolate each piece separately: a terminal resolves directions one line at a time.
        pieces = [
            bidi.isolated(bidi.balanced(piece.plain.rstrip()), row.dir)
            for piece in Text(escape(row.text)).wrap(terminal, room)
        ]
        if is_below:
            padded = (f"{escape(cell):{width + GAP}}" for cell, width in zip(row.cells, widths, strict=True) if width)
            lines = ("".join(padded).rstrip(), *(" " * INDENT + piece for piece in pieces))
            table.add_row(Text("\n".join(lines), no_wrap=True), style=row.style)
        else:
            table.add_row(*cells, Text("\n".join(pieces), no_wrap=True), style=row.style)
    return table


def _escaped(text: str) -> str:
    return "\n".join(map(escape, text.split("\n")))
