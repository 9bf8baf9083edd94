"""Looking things up in an edition's log: newest first, and no more of it than is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from ticker.core.entry import Entry
from ticker.core.errors import UNREADABLE, LinkError, SettingsError, TickerError
from ticker.core.line import Change, Direction
from ticker.core.position import Position
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import edition_names
from ticker.store.log_reader import RawEntry, last_seq, read_log

PAGE: Final = 500
SHORT: Final = 4
"""Ids are shown with at least this many characters; as many more as it takes to tell them apart."""

PREFIX_LEAST: Final = 3
LAST: Final = "last"


class Found(msgspec.Struct, frozen=True):
    """An entry of the log. `link` isn't checked: that is `ticker verify`'s."""

    seq: int
    link: str
    entry: Entry

    @property
    def position(self) -> Position:
        return Position.of(self.seq, self.link)


class UnknownLineError(SettingsError):
    """What was named is no line, or could be several. `code` is a stable word for programs."""

    code = "unknown"


_decoder = msgspec.json.Decoder(Entry)


async def newest_first(redis: Redis, edition: str, page: int = PAGE) -> AsyncIterator[Found]:
    """The entries of an edition's log from the newest to the oldest that is retained."""
    seq = await last_seq(redis, edition)
    while seq > 0:
        entries = [raw for raw in await read_log(redis, edition, max(seq - page, 0), min(page, seq)) if raw.seq <= seq]
        for raw in reversed(entries):
            yield _decoded(raw)
        if len(entries) < min(page, seq):
            return  # what is older was trimmed
        seq -= page


def _decoded(raw: RawEntry) -> Found:
    try:
        return Found(raw.seq, raw.link, _decoder.decode(raw.data))
    except UNREADABLE as error:
        raise LinkError(raw.seq, f"entry {raw.seq} can't be read by this version: {error}") from error


async def find_line(redis: Redis, edition: str, named: str, editor: str) -> Entry:
    """The latest entry of the line that was named: by its id, by how its id begins, or as `last`.

    `last` is the line that `editor` posted last, whatever became of it since.

    Raises:
        UnknownLineError: If the name fits no line, or several.

    """
    latest: dict[str, Entry] = {}
    async for found in newest_first(redis, edition):
        line = found.entry.line
        entry = latest.setdefault(line.id, found.entry)
        if named == line.id:
            return entry
        if named == LAST and line.change is Change.NEW and found.entry.editor == editor:
            return entry
    if named == LAST:
        raise UnknownLineError(
            f"{editor} has posted nothing to {edition} that is still in the log: `tick log` shows the ids"
        )
    return latest[find_id(latest, named, f"line of {edition}", "`tick log`")]


def find_id(ids: Iterable[str], named: str, what: str, shown_by: str) -> str:
    """The one of `ids` that was named by how it begins. `what` they are, and what shows them, is for the error.

    Raises:
        UnknownLineError: If the name fits none, or several, or is too short to be meant.

    """
    if len(named) < PREFIX_LEAST:
        raise UnknownLineError(
            f"{named!a} is too short for an id: {PREFIX_LEAST} characters at least, as in {shown_by}"
        )
    fitting = [each for each in ids if each.startswith(named.lower())]
    if not fitting:
        raise UnknownLineError(f"no {what} has an id that begins with {named[:40]!a}: see {shown_by}")
    if named.lower() not in fitting and len(fitting) > 1:
        raise UnknownLineError(
            f"{named!a} could be {len(fitting)} lines ({', '.join(fitting[:5])}): give more characters of the id"
        )
    return named.lower() if named.lower() in fitting else fitting[0]


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """The shortest beginnings, of at least four characters, that tell `ids` apart; all of the same length."""
    wanted = list(dict.fromkeys(ids))
    longest = max(map(len, wanted), default=SHORT)
    for length in range(SHORT, longest):
        if len({line_id[:length] for line_id in wanted}) == len(wanted):
            return {line_id: line_id[:length] for line_id in wanted}
    return {line_id: line_id for line_id in wanted}


class RelatedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the same story that shows in another edition."""

    edition: str
    id: str
    version: int
    text: str
    lang: str
    dir: Direction
    is_same_language: bool


async def find_related_lines(
    redis: Redis, edition: str, story: str, lang: str, now: datetime, *, is_test: bool
) -> tuple[RelatedLine, ...]:
    """The lines of `story` that show now in other editions, as far as this user may read those.

    Those of a test are in other tests only: nobody should withdraw a line from the public while rehearsing that.
    """
    found: list[RelatedLine] = []
    with suppress(OSError, *CLIENT_ERRORS):
        for name in await edition_names(redis):
            if name != edition:
                found += await _in_edition(redis, name, story, lang, now, is_test=is_test)
    return tuple(found)


async def _in_edition(
    redis: Redis, edition: str, story: str, lang: str, now: datetime, *, is_test: bool
) -> list[RelatedLine]:
    seen: set[str] = set()
    found: list[RelatedLine] = []
    # Editors see only the logs of their own editions; a log that can't be read isn't this command's business.
    with suppress(TickerError, *CLIENT_ERRORS):
        async for entry in newest_first(redis, edition):
            line = entry.entry.line
            if line.id in seen:
                continue
            seen.add(line.id)
            if line.coverage == story and line.test == is_test and line.shows(now) and line.text:
                found.append(
                    RelatedLine(
                        edition=edition,
                        id=line.id,
                        version=line.version,
                        text=line.text if line.attribution is None else f"{line.attribution}: {line.text}",
                        lang=line.lang,
                        dir=line.dir,
                        is_same_language=line.lang.partition("-")[0] == lang.partition("-")[0],
                    )
                )
    return found
