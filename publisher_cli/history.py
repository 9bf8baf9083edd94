"""Read an edition's log from the newest entry back, find lines by id, and find related lines in other editions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from publisher_cli.words import has_words
from ticker.core.entry import Entry, Logged, decode_entry
from ticker.core.errors import SettingsError, TickerError
from ticker.core.line import Change, Direction, Line
from ticker.store.client_errors import client_errors
from ticker.store.editions import edition_names
from ticker.store.log_reader import last_seq, read_log

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

PAGE: Final = 500
"""Entries per read."""

SHORT: Final = 4
"""Shown ids have at least this many characters."""

PREFIX_MIN: Final = 3
NAMED_MAX: Final = 3
"""The maximum number of lines that an error offers."""

TEXT_SHOWN: Final = 40
"""The maximum number of characters of their texts."""

LAST: Final = "last"


class RelatedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the same story that shows in another edition."""

    edition: str
    id: str
    version: int
    text: str
    lang: str
    dir: Direction
    is_same_language: bool


class UnknownLineError(SettingsError):
    """The editor named no line, or a name that several lines share. `code` is a stable word for programs."""

    code = "unknown"


class NamedByWordsError(UnknownLineError):
    """The name is not an id, but a word of exactly one line. `entry` is the latest entry of that line."""

    def __init__(self, message: str, entry: Entry) -> None:
        super().__init__(message)
        self.entry = entry


async def newest_first(redis: AnyRedis, edition: str, page: int = PAGE) -> AsyncIterator[Logged]:
    """Yield the entries of an edition's log, from the newest to the oldest that is retained.

    Their links are not checked: `ticker verify` and `tick audit` do that.

    Raises:
        LinkError: If this version can't read an entry.

    """
    seq = await last_seq(redis, edition)
    while seq > 0:
        entries = [raw for raw in await read_log(redis, edition, max(seq - page, 0), min(page, seq)) if raw.seq <= seq]
        for raw in reversed(entries):
            yield decode_entry(raw.seq, raw.link, raw.data)
        if len(entries) < min(page, seq):
            return  # the older entries were trimmed
        seq -= page


async def latest_entries(redis: AnyRedis, edition: str) -> AsyncIterator[Entry]:
    """Yield the latest entry of each line, the newest first.

    Raises:
        LinkError: If this version can't read an entry.

    """
    seen: set[str] = set()
    async for found in newest_first(redis, edition):
        for entry in found.entry.with_kept():
            if entry.line.id not in seen:
                seen.add(entry.line.id)
                yield entry


async def find_line(redis: AnyRedis, edition: str, name: str, editor: str) -> Entry:
    """Return the latest entry of a line, named by its id, by the beginning of its id, or as `last`.

    `last` is the newest line that `editor` posted, even if it was changed or withdrawn since.

    Raises:
        NamedByWordsError: If the name is not an id, and one line has these words in its text.
        UnknownLineError: If the name fits no line, or several.

    """
    latest: dict[str, Entry] = {}
    async for found in newest_first(redis, edition):
        line = found.entry.line
        for entry in found.entry.with_kept():
            latest.setdefault(entry.line.id, entry)
        is_last = name == LAST and line.change is Change.NEW and found.entry.editor == editor
        if name == line.id or is_last:
            return latest[line.id]
    if name == LAST:
        posted = [entry for entry in latest.values() if entry.posted_by == editor]
        if not posted:
            raise UnknownLineError(
                f"{editor} has posted nothing to {edition} that is still in the log: `tick log` shows the ids"
            )
        return max(posted, key=lambda entry: entry.line.number)
    try:
        return latest[find_id(latest, name, f"line of {edition}", "`tick log`")]
    except UnknownLineError as error:
        fits = _with_words(latest.values(), name)
        message = f"{error}, or {_by_words(fits)}"
        raise (NamedByWordsError(message, fits[0]) if len(fits) == 1 else UnknownLineError(message)) from None


def _with_words(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Return the entries whose lines have `name` in their texts, also in texts that are hidden."""
    found: list[Entry] = []
    for entry in entries:
        line = entry.hidden_version or entry.line
        if line.text and has_words(f"{line.attribution or ''} {line.text}", name):
            found.append(entry)
    return found


def _by_words(found: Sequence[Entry]) -> str:
    """Return which lines were found by their words, or how to find a line by its words."""
    if not found:
        return "find it by its words with `tick find`"
    lines = [entry.hidden_version or entry.line for entry in found[:NAMED_MAX]]
    texts = (f"{line.id} “\u2068{line.text[:TEXT_SHOWN]}\u2069”" for line in lines)
    return f"type the id of the line with these words: {', '.join(texts)}"


def find_id(ids: Iterable[str], name: str, what: str, shown_by: str) -> str:
    """Return the id that starts with `name`. `what` the ids are, and the command that shows them, are for errors.

    Raises:
        UnknownLineError: If no id starts with the name, or several do, or the name is too short.

    """
    if len(name) < PREFIX_MIN:
        raise UnknownLineError(
            f"{name!r} is too short for an id: type at least {PREFIX_MIN} characters, as {shown_by} shows them"
        )
    prefix = name.lower()
    matches = [each for each in ids if each.startswith(prefix)]
    if not matches:
        raise UnknownLineError(f"no {what} has an id that starts with {name[:40]!r}: see {shown_by}")
    if prefix in matches:
        return prefix
    if len(matches) > 1:
        raise UnknownLineError(
            f"{name!r} fits {len(matches)} lines ({', '.join(matches[:5])}): type more characters of the id"
        )
    return matches[0]


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return the shortest prefixes, of at least four characters, that are unique. All have the same length."""
    unique = list(dict.fromkeys(ids))
    longest = max(map(len, unique), default=SHORT)
    for length in range(SHORT, longest):
        if len({line_id[:length] for line_id in unique}) == len(unique):
            return {line_id: line_id[:length] for line_id in unique}
    return {line_id: line_id for line_id in unique}


async def find_related_lines(redis: AnyRedis, edition: str, line: Line, now: datetime) -> tuple[RelatedLine, ...]:
    """Return the lines of the same story as `line` that show now in other editions, if this user may read those.

    A test edition is related only to other test editions, and a public one only to public ones: an editor who tests a
    withdrawal must not withdraw a public line.
    """
    found: list[RelatedLine] = []
    if line.coverage is None:
        return ()
    try:
        for name in await edition_names(redis):
            if name != edition:
                found += [
                    RelatedLine(
                        edition=name,
                        id=other.id,
                        version=other.version,
                        text=other.text if other.attribution is None else f"{other.attribution}: {other.text}",
                        lang=other.lang,
                        dir=other.dir,
                        is_same_language=other.lang.partition("-")[0] == line.lang.partition("-")[0],
                    )
                    for other in await _read_story(redis, name, line, now)
                ]
    except client_errors():
        pass
    return tuple(found)


async def _read_story(redis: AnyRedis, edition: str, line: Line, now: datetime) -> list[Line]:
    """Return the lines of an edition that show now and have the same story as `line`."""
    lines: list[Line] = []
    # Editors can read only the logs of their own editions. A log that can't be read must not fail this command.
    try:
        async for entry in latest_entries(redis, edition):
            other = entry.line
            if other.coverage == line.coverage and other.test == line.test and other.shows(now) and other.text:
                lines.append(other)
    except TickerError:
        pass
    except client_errors():
        pass
    return lines
