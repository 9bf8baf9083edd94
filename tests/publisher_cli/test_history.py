"""Names of lines: whole ids, their beginnings, `last`; against a log that a desk might have written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from publisher_cli.history import UnknownLineError, find_line, newest_first, short_ids
from tests.support.servers import RedisServer
from ticker.core.entry import Entry, encode_entry
from ticker.core.line import Change, Direction, Line
from ticker.core.position import next_link
from ticker.store.connection import Redis, connect
from ticker.store.keys import Keys

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def entry(line_id: str, version: int = 1, editor: str = "maha") -> Entry:
    change = Change.NEW if version == 1 else Change.UPDATE
    line = Line(
        id=line_id, version=version, number=1, change=change, text=line_id, lang="en", dir=Direction.LTR,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return Entry(line=line, editor=editor, key=f"{line_id}-{version}", submitted_at=NOW)


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    client = connect(redis_server.url, role="tick")
    yield client
    await client.aclose()


async def write(redis: Redis, *entries: Entry) -> None:
    link = "00" * 32
    for seq, each in enumerate(entries, 1):
        data = encode_entry(each)
        link = next_link(link, data)
        await redis.xadd(Keys("en").log, {"entry": data, "link": link}, id=f"{seq}-0")


@pytest.mark.parametrize("page", [1, 2, 3, 5, 100])
async def test_the_log_is_read_newest_first_whatever_the_page(redis: Redis, page: int) -> None:
    await write(redis, *(entry(f"line{number}") for number in range(5)))
    assert [found.seq async for found in newest_first(redis, "en", page)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_a_trimmed_log_is_read_to_its_first_entry(redis: Redis, page: int) -> None:
    await write(redis, *(entry(f"line{number}") for number in range(6)))
    await redis.xtrim(Keys("en").log, maxlen=3, approximate=False)
    assert [found.seq async for found in newest_first(redis, "en", page)] == [6, 5, 4]


async def test_an_empty_log_has_nothing(redis: Redis) -> None:
    assert [found async for found in newest_first(redis, "en")] == []


async def test_a_beginning_that_fits_two_lines_names_both(redis: Redis) -> None:
    await write(redis, entry("abcdefghjk"), entry("abcxyz0123"))
    with pytest.raises(UnknownLineError, match=r"fits 2 lines .*abcxyz0123, abcdefghjk.*type more characters"):
        await find_line(redis, "en", "abc", "maha")


async def test_a_beginning_that_fits_one_line_finds_its_latest_version(redis: Redis) -> None:
    await write(redis, entry("abcdefghjk"), entry("abcxyz0123"), entry("abcdefghjk", 2))
    found = await find_line(redis, "en", "ABCD", "maha")
    assert (found.line.id, found.line.version) == ("abcdefghjk", 2)


async def test_a_whole_id_is_that_line_even_where_another_begins_with_it(redis: Redis) -> None:
    await write(redis, entry("abc"), entry("abcd"))
    assert (await find_line(redis, "en", "abc", "maha")).line.id == "abc"


async def test_last_is_the_newest_line_of_the_editor_in_its_latest_version(redis: Redis) -> None:
    await write(redis, entry("one"), entry("two"), entry("three", editor="omar"), entry("two", 2, editor="omar"))
    found = await find_line(redis, "en", "last", "maha")
    assert (found.line.id, found.line.version) == ("two", 2)


async def test_last_is_not_the_line_that_was_changed_last(redis: Redis) -> None:
    await write(redis, entry("one"), entry("two"), entry("one", 2))
    assert (await find_line(redis, "en", "last", "maha")).line.id == "two"


def test_ids_are_shown_as_short_as_they_can_be_told_apart() -> None:
    assert short_ids(["abcdef", "xyz012"]) == {"abcdef": "abcd", "xyz012": "xyz0"}
    assert short_ids(["abcdef", "abcd12", "xyz012"]) == {"abcdef": "abcde", "abcd12": "abcd1", "xyz012": "xyz01"}
    assert short_ids([]) == {}
