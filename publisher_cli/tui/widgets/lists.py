"""The list in the middle: the board, what waits for a decision, or what is scheduled."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from publisher_cli.tui.bindings import ON_LIST
from publisher_cli.tui.widgets.line_list import Row, contents

GUTTER = 2


class LineList(OptionList):
    """Rows, one of which is chosen. The choice stays with its row, wherever that moves: never with a place."""

    BINDINGS = ON_LIST

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False, compact=True)
        self._shown: tuple[object, ...] = ()

    @property
    def chosen(self) -> str | None:
        """The id of the row that is chosen."""
        option = self.highlighted_option
        return None if option is None else option.id

    @property
    def room(self) -> int:
        return max(self.scrollable_content_region.width - GUTTER, 20)

    def show(self, rows: Sequence[Row], below: Sequence[Row] = (), nothing: str = "") -> None:
        """Show rows, and those `below` under a rule; `nothing` where there are none at all."""
        shown = (tuple(rows), tuple(below), nothing, self.room)
        if shown == self._shown:
            return
        self._shown = shown
        place, chosen, scroll_y = self.highlighted, self.chosen, self.scroll_y
        laid_out = contents([*rows, *below], self.room)
        options: list[Option | None] = [
            Option(content, id=row.id) for content, row in zip(laid_out, [*rows, *below], strict=True)
        ]
        if below:
            rule = Content.styled(" not on the board ".center(self.room, "─"), "$foreground 60%")
            options.insert(len(rows), Option(rule, disabled=True))
        if not options:
            options.append(Option(Content.styled(nothing, "$foreground 60%"), disabled=True))
        self.set_options(options)
        self._choose(chosen, place)
        if chosen is not None:
            self.scroll_to(y=scroll_y, animate=False, force=True, immediate=True)

    def _choose(self, chosen: str | None, place: int | None) -> None:
        ids = [option.id for option in self.options]
        if chosen in ids and chosen is not None:
            self.highlighted = ids.index(chosen)
        elif ids and any(ids):
            self.highlighted = min(place or 0, len(ids) - 1)
