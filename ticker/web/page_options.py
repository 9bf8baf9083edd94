"""The query of a page's address: which lines it shows, and how it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from ticker import widget
from ticker.core.board import LINES_MAX
from ticker.core.edition import Edition
from ticker.core.errors import SelectionError
from ticker.core.selection import EVERYTHING, Selection, parse_selection

FIELDS_MAX: Final = 32
"""Maximum number of parameters in a query."""
LAYOUTS: Final = ("list", "strip", "crawl")
SCHEMES: Final = ("light", "dark")


class PageError(Exception):
    """A page can't be shown. `detail` is a sentence for the person who opened it.

    It is in the language of `edition`, or in English. `headers` are those of the response.
    """

    def __init__(
        self, status: int, detail: str, edition: Edition | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.headers = headers or {}
        self.edition = edition
        self.status = status
        self.detail = detail


class PageOptions(msgspec.Struct, frozen=True):
    """The checked query of a page. An empty text or None stands for the default."""

    layout: str = "list"
    theme: str = ""
    scheme: str = ""
    wall: bool = False
    lines: int | None = None
    selection: Selection = EVERYTHING
    transport: str = "socket"

    @property
    def query(self) -> str:
        """The query of an embedded page with the same options. A wall is never embedded."""
        fields: list[tuple[str, str | int]] = [("section", section) for section in self.selection.sections]
        fields += [("region", region) for region in self.selection.regions]
        for name, value in (
            ("urgency", self.selection.urgency),
            ("lines", self.lines),
            ("layout", "" if self.layout == "list" else self.layout),
            ("theme", self.theme),
            ("scheme", self.scheme),
            ("transport", "" if self.transport == "socket" else self.transport),
        ):
            if value:
                fields.append((name, value))
        return urlencode(fields)


def parse_page_options(query: str, edition: Edition | None) -> PageOptions:
    """Read a page's query against the edition's sections and regions.

    A wrong value that changes only the looks counts as not given. A wrong value that would change which lines are shown
    is an error. Without an edition the page shows several, and no selection applies.

    Raises:
        PageError: 400.

    """
    fields = _parse_query(query)
    layout, theme, scheme = (_last(fields, name) for name in ("layout", "theme", "scheme"))
    return PageOptions(
        layout=layout if layout in LAYOUTS else "list",
        theme=theme if theme in widget.THEMES else "",
        scheme=scheme if scheme in SCHEMES else "",
        wall=_last(fields, "wall") == "1",
        lines=_parse_lines(_last(fields, "lines")),
        transport="tail" if _last(fields, "transport") == "tail" else "socket",
        selection=EVERYTHING if edition is None else _parse_selection(fields, edition),
    )


def _parse_query(query: str) -> dict[str, list[str]]:
    """Return each field of a query with all its values."""
    try:
        pairs = parse_qsl(query, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise PageError(400, "The address has too many parameters.") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _parse_selection(fields: Mapping[str, Sequence[str]], edition: Edition) -> Selection:
    try:
        return parse_selection(
            edition, fields.get("section", []), fields.get("region", []), _last(fields, "urgency") or None
        )
    except SelectionError as error:
        raise PageError(400, str(error)) from error


def _last(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return fields[name][-1] if name in fields else ""


def _parse_lines(text: str) -> int | None:
    # The length is checked first: int() of a very long number is slow.
    is_number = text.isascii() and text.isdecimal() and len(text) <= 3
    return int(text) if is_number and 1 <= int(text) <= LINES_MAX else None
