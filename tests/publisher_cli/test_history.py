"""Find lines by id, by prefix and as `last`, in a log like the desk's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
import pytest_asyncio

from publisher_cli.history import UnknownLineError, find_line, latest_entries, newest_first, short_ids
from tests.support.servers import RedisServer
from ticker.core.entry import Entry, Trim, encode_entry
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
async def test_log_is_read_newest_first_with_any_page_size(redis: Redis, page: int) -> None:
    await write(redis, *(entry(f"line{number}") for number in range(5)))
    assert [found.seq async for found in newest_first(redis, "en", page)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_trimmed_log_is_read_to_its_oldest_entry(redis: Redis, page: int) -> None:
    await write(redis, *(entry(f"line{number}") for number in range(6)))
    await redis.xtrim(Keys("en").log, maxlen=3, approximate=False)
    assert [found.seq async for found in newest_first(redis, "en", page)] == [6, 5, 4]


async def test_empty_log_has_no_entries(redis: Redis) -> None:
    assert [found async for found in newest_first(redis, "en")] == []


async def test_ambiguous_prefix_error_lists_the_lines(redis: Redis) -> None:
    await write(redis, entry("abcdefghjk"), entry("abcxyz0123"))
    with pytest.raises(UnknownLineError, match=r"fits 2 lines .*abcxyz0123, abcdefghjk.*type more characters"):
        await find_line(redis, "en", "abc", "maha")


async def test_prefix_finds_the_latest_version(redis: Redis) -> None:
    await write(redis, entry("abcdefghjk"), entry("abcxyz0123"), entry("abcdefghjk", 2))
    found = await find_line(redis, "en", "ABCD", "maha")
    assert (found.line.id, found.line.version) == ("abcdefghjk", 2)


async def test_whole_id_wins_over_a_longer_id(redis: Redis) -> None:
    await write(redis, entry("abc"), entry("abcd"))
    assert (await find_line(redis, "en", "abc", "maha")).line.id == "abc"


async def test_last_is_the_latest_version_of_the_editors_newest_line(redis: Redis) -> None:
    await write(redis, entry("one"), entry("two"), entry("three", editor="omar"), entry("two", 2, editor="omar"))
    found = await find_line(redis, "en", "last", "maha")
    assert (found.line.id, found.line.version) == ("two", 2)


async def test_last_ignores_later_changes_of_older_lines(redis: Redis) -> None:
    await write(redis, entry("one"), entry("two"), entry("one", 2))
    assert (await find_line(redis, "en", "last", "maha")).line.id == "two"


def test_short_ids_are_the_shortest_unique_prefixes() -> None:
    assert short_ids(["abcdef", "xyz012"]) == {"abcdef": "abcd", "xyz012": "xyz0"}
    assert short_ids(["abcdef", "abcd12", "xyz012"]) == {"abcdef": "abcde", "abcd12": "abcd1", "xyz012": "xyz01"}
    assert short_ids([]) == {}


def with_kept(newest: Entry, *kept: Entry) -> Entry:
    return msgspec.structs.replace(newest, trim=Trim(through=0, kept=kept))


async def test_a_line_is_found_after_its_own_entries_were_trimmed(redis: Redis) -> None:
    old = entry("old-1", version=3, editor="omar")
    await write(redis, with_kept(entry("new-1"), old), entry("new-2"))
    assert await find_line(redis, "en", "old-1", "maha") == old
    assert await find_line(redis, "en", "old", "maha") == old
    assert [found.line.id async for found in latest_entries(redis, "en")] == ["new-2", "new-1", "old-1"]


async def test_a_newer_version_of_a_kept_line_is_found(redis: Redis) -> None:
    await write(redis, with_kept(entry("new-1"), entry("old-1")), entry("old-1", version=2))
    assert (await find_line(redis, "en", "old-1", "maha")).line.version == 2


async def test_last_is_the_newest_kept_line_if_no_entry_is_left(redis: Redis) -> None:
    older = entry("old-1", editor="omar")
    newer = msgspec.structs.replace(entry("old-2", version=2), author="omar")
    newer = msgspec.structs.replace(newer, line=msgspec.structs.replace(newer.line, number=2))
    await write(redis, with_kept(entry("new-1"), newer, older))
    assert (await find_line(redis, "en", "last", "omar")).line.id == "old-2"
