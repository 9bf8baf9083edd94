"""An edition as a publication: the addresses and the permanent ids of its lines, and the content of its feeds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from ticker.core.board import Board
from ticker.core.edition import Edition
from ticker.core.line import Line, Status
from ticker.formats.texts import Words

ITEMS: Final = 50
"""Number of lines with a text in a feed. An edition with a larger board has as many as its board."""
LINES_MAX: Final = 250
"""Maximum number of lines and notices in a feed."""
REMOVED_MAX: Final = 100
"""Maximum number of removed lines that a feed lists."""
UNSET_AUTHORITY: Final = "localhost"
"""The authority of ids in a system that has neither `public_url` nor `id_authority`: it is for development."""
_YEAR: Final = 2026
"""The year in ids with the host of `public_url`. It must not change: it is a part of every id."""
EMPTY: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of the last change of a feed without lines."""


class Term(msgspec.Struct, frozen=True):
    """A section or a region of an edition: its id, and its name for people."""

    id: str
    name: str


def authority_of(edition: Edition, public_url: str | None) -> str:
    """Return the authority of the ids of lines: the same from every gateway, under every name."""
    host = None if public_url is None else urlsplit(public_url).hostname
    return edition.id_authority or f"{host or UNSET_AUTHORITY},{_YEAR}"


class Publication(msgspec.Struct, frozen=True):
    """An edition with the addresses of its pages.

    Attributes:
        name: The edition's name.
        base: The public address of the server, without a slash at the end. Empty if it isn't known.
        authority: The authority of the permanent ids, such as `news.example,2026` (RFC 4151). It has to be the same in
            all gateways for the edition's whole life.
        hub: The address of the WebSub hub that gateways ping about changes, or None.

    """

    name: str
    edition: Edition
    base: str
    authority: str
    words: Words
    hub: str | None = None

    @property
    def publisher(self) -> str:
        """The publisher's name. It is also the name of each line's author: feeds never contain an editor's name."""
        return self.edition.publisher or self.edition.title

    @property
    def title(self) -> str:
        return f"{self.words.test}: {self.edition.title}" if self.edition.test else self.edition.title

    @property
    def id(self) -> str:
        """The permanent id of the edition's feeds."""
        return f"tag:{self.authority}:ticker/{quote(self.name, safe='')}"

    def id_of(self, line_id: str) -> str:
        """Return the permanent id of a line: a `tag:` URI (RFC 4151), the same on every host and in every log."""
        return f"{self.id}/{quote(line_id, safe='')}"

    @property
    def page(self) -> str:
        """The address of the edition's page."""
        return f"{self.base}/{self.name}"

    def page_of(self, line_id: str) -> str:
        """Return the address of a line's permanent page."""
        return f"{self.page}/lines/{quote(line_id, safe='')}"

    def story_page(self, story: str) -> str:
        """Return the address of a story's page."""
        return f"{self.page}/stories/{quote(story, safe='')}"

    def feed(self, file: str) -> str:
        """Return the address of a feed, such as `feed.atom`."""
        return f"{self.page}/{file}"

    def section_of(self, line: Line) -> Term | None:
        if line.section is None:
            return None
        return Term(line.section, self.edition.sections.get(line.section, line.section))

    def regions_of(self, line: Line) -> list[Term]:
        return [Term(region, self.edition.regions.get(region, region)) for region in line.regions]

    def terms_of(self, line: Line) -> list[Term]:
        """Return the section of a line, if it has one, then its regions."""
        section = self.section_of(line)
        return [*([] if section is None else [section]), *self.regions_of(line)]


class Removal(StrEnum):
    """Why a line left a feed."""

    WITHHELD = "withheld"  # an editor has hidden it
    CANCELED = "canceled"  # it was withdrawn, and its notice doesn't show any more
    EXPIRED = "expired"


class Removed(msgspec.Struct, frozen=True):
    """A line that left a feed. A reader that has stored it has to remove it."""

    id: str
    status: Removal
    at: datetime


class Snapshot(msgspec.Struct, frozen=True):
    """The content of an edition's feeds at one time.

    Attributes:
        lines: The lines that show, and the notices of withdrawn ones. The newest line is first: pins don't change the
            order of feeds.
        removed: The lines that left, the newest entry first.

    """

    publication: Publication
    lines: tuple[Line, ...]
    removed: tuple[Removed, ...]

    @property
    def updated_at(self) -> datetime:
        """When the last of these lines changed or left."""
        instants = (*(line.updated_at for line in self.lines), *(removed.at for removed in self.removed))
        return max(instants, default=EMPTY)


def take_snapshot(publication: Publication, board: Board, recent: Iterable[str], now: datetime) -> Snapshot:
    """Return the content of the feeds at `now`.

    Args:
        publication: The edition.
        board: All known lines.
        recent: The ids of lines that changed lately, the newest first. A line among them that doesn't show any more
            becomes a `Removed`, or a notice if it is withdrawn.
        now: The current time. Lines that have expired by then don't show.

    """
    shown = {line.id: line for line in board.lines(now, max(publication.edition.board_lines, ITEMS))}
    removed: dict[str, Removed] = {}
    for line_id in recent:
        if len(removed) == REMOVED_MAX:
            break
        entry = None if line_id in shown or line_id in removed else board.get(line_id)
        if entry is None:
            continue
        if not entry.line.shows(now):
            removed[line_id] = _removed(entry.line)
        elif entry.line.status is Status.CANCELED and len(shown) < LINES_MAX:
            shown[line_id] = entry.line  # readers may still have the text, even of an old line
    lines = sorted(shown.values(), key=lambda line: (line.number, line.id), reverse=True)
    return Snapshot(publication, tuple(lines), tuple(removed.values()))


def _removed(line: Line) -> Removed:
    if line.status is not Status.USABLE:
        return Removed(line.id, Removal(line.status.value), line.updated_at)
    assert line.expires_at is not None, "a usable line shows until it expires"
    return Removed(line.id, Removal.EXPIRED, max(line.expires_at, line.updated_at))
