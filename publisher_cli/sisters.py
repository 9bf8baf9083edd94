"""Sister lines: those of one story in other editions, which may have to go when one of them goes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import msgspec

from publisher_cli.history import newest_first
from ticker.core.errors import TickerError
from ticker.core.line import Direction
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import edition_names


class Sister(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the same story that shows in another edition."""

    edition: str
    id: str
    version: int
    text: str
    lang: str
    dir: Direction
    is_same_language: bool


async def find_sisters(
    redis: Redis, edition: str, story: str, lang: str, now: datetime, *, is_test: bool
) -> tuple[Sister, ...]:
    """The lines of `story` that show now in other editions, as far as this user may read those.

    Those of a test are in other tests only: nobody should withdraw a line from the public while rehearsing that.
    """
    found: list[Sister] = []
    with suppress(OSError, *CLIENT_ERRORS):
        for name in await edition_names(redis):
            if name != edition:
                found += await _in_edition(redis, name, story, lang, now, is_test=is_test)
    return tuple(found)


async def _in_edition(
    redis: Redis, edition: str, story: str, lang: str, now: datetime, *, is_test: bool
) -> list[Sister]:
    seen: set[str] = set()
    found: list[Sister] = []
    # Editors see only the logs of their own editions; a log that can't be read isn't this command's business.
    with suppress(TickerError, *CLIENT_ERRORS):
        async for entry in newest_first(redis, edition):
            line = entry.entry.line
            if line.id in seen:
                continue
            seen.add(line.id)
            if line.coverage == story and line.test == is_test and line.shows(now) and line.text:
                found.append(
                    Sister(
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
