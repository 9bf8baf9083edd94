"""The Rich console on which tables and the live board are drawn. It escapes control characters, as `Console` does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from ticker.console import Console
from ticker.core.escaping import escape


class Terminal(RichConsole):
    """A Rich console that escapes every text. Its own control sequences are separate segments, and stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_escaped(segment.text), segment.style)


def open_terminal(console: Console, file: IO[str]) -> Terminal:
    """Return a Rich console that writes to `file`, one of the streams of `console`."""
    return Terminal(file=file, no_color=not console.has_colour, highlight=False)


def _escaped(text: str) -> str:
    return "\n".join(map(escape, text.split("\n")))
