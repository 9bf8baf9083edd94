"""Reading, verifying and rotating logs on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from tests.support.strategies import Step, history
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import RawEntry, encode_entry
from ticker.core.errors import LinkError, StoreError
from ticker.core.line import Change
from ticker.core.position import Position, next_link
from ticker.store.connection import Redis, connect
from ticker.store.editions import load_edition, save_edition
from ticker.store.keys import Keys
from ticker.store.log_reader import read_log, rotate, tail, verify_log
from ticker.store.scripts import script

NONCE = "5e" * 32
LOG = Keys("en").log


def raw_entries(count: int, nonce: str = NONCE) -> list[RawEntry]:
    steps = [Step(Change.NEW, 0, number % 6, None, (), 4, 1, None) for number in range(count)]
    entries, link = list[RawEntry](), nonce
    for seq, entry in enumerate(history(steps), start=1):
        data = encode_entry(entry)
        link = next_link(link, data)
        entries.append(RawEntry(seq, link, data))
    return entries


async def write(redis: Redis, entries: Sequence[RawEntry]) -> None:
    for entry in entries:
        await redis.xadd(LOG, {"entry": entry.data, "link": entry.link}, id=f"{entry.seq}-0")


async def rewrite(redis: Redis, entries: Sequence[RawEntry]) -> None:
    await redis.delete(LOG)
    await write(redis, entries)


@pytest_asyncio.fixture
async def redis(empty_url: str) -> AsyncIterator[Redis]:
    client = connect(empty_url, role="desk")
    await save_edition(client, "en", DEFAULT_EDITIONS["en"], NONCE)
    yield client
    await client.aclose()


async def test_read_log_returns_at_most_count_entries_after_a_number(redis: Redis) -> None:
    entries = raw_entries(6)
    await write(redis, entries)
    assert await read_log(redis, "en", 0) == entries
    assert await read_log(redis, "en", 2, 3) == entries[2:5]
    assert await read_log(redis, "en", 6) == []


async def test_tail_waits_for_new_entries(redis: Redis, empty_url: str) -> None:
    first, second = raw_entries(2)
    await write(redis, [first])
    ears = connect(empty_url, role="gateway", blocking=True)
    waiting = asyncio.create_task(tail(ears, "en", 1))
    await write(redis, [second])
    assert await waiting == [second]
    assert await tail(ears, "en", 2, block_ms=1) == []
    assert await tail(ears, "en", 0) == [first, second]
    await ears.aclose()


@pytest.mark.parametrize(
    ("stream_id", "fields", "seq"),
    [
        ("3-1", {"entry": "{}", "link": NONCE}, 3),
        ("0-1", {"entry": "{}", "link": NONCE}, 0),
        ("9007199254740992-0", {"entry": "{}", "link": NONCE}, 2**53),
        ("3-0", {"entry": "{}"}, 3),
        ("3-0", {"link": NONCE}, 3),
        ("3-0", {"entry": "{}", "link": NONCE.upper()}, 3),
        ("3-0", {"entry": "{}", "link": NONCE[:-1]}, 3),
    ],
)
async def test_an_entry_that_no_desk_wrote_raises_with_its_number(
    redis: Redis, stream_id: str, fields: dict[str, str], seq: int
) -> None:
    await redis.xadd(LOG, dict(fields), id=stream_id)  # type: ignore[arg-type]
    first = "0" if stream_id != "0-1" else "-"
    with pytest.raises(LinkError) as caught:
        await (read_log(redis, "en", 0) if first == "0" and seq else tail(redis, "en", 0))
    assert caught.value.seq == seq


async def test_an_intact_log_verifies_with_any_page_size(redis: Redis) -> None:
    entries = raw_entries(7)
    await write(redis, entries)
    for page in (1, 3, 7, 100):
        verified = await verify_log(redis, "en", page)
        assert (verified.first, verified.entries) == (1, 7)
        assert verified.head == Position.of(7, entries[-1].link)


async def test_an_empty_log_verifies(redis: Redis) -> None:
    verified = await verify_log(redis, "en")
    assert (verified.entries, verified.head) == (0, Position.of(0, NONCE))


@pytest.mark.parametrize("changed", [1, 4, 7])
async def test_verify_finds_the_first_changed_entry(redis: Redis, changed: int) -> None:
    entries = raw_entries(7)
    entries[changed - 1] = RawEntry(changed, entries[changed - 1].link, entries[changed - 1].data + b" ")
    await rewrite(redis, entries)
    with pytest.raises(LinkError) as caught:
        await verify_log(redis, "en", 3)
    assert caught.value.seq == changed


async def test_verify_finds_a_change_with_a_matching_link_at_the_next_entry(redis: Redis) -> None:
    entries = raw_entries(5)
    data = entries[2].data + b" "
    entries[2] = RawEntry(3, next_link(entries[1].link, data), data)
    await rewrite(redis, entries)
    with pytest.raises(LinkError) as caught:
        await verify_log(redis, "en")
    assert caught.value.seq == 4


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_verify_finds_a_missing_entry(redis: Redis, page: int) -> None:
    entries = raw_entries(6)
    await rewrite(redis, entries[:3] + entries[4:])
    with pytest.raises(LinkError) as caught:
        await verify_log(redis, "en", page)
    assert caught.value.seq == 4


async def test_verify_finds_a_renumbered_entry_with_a_matching_link(redis: Redis) -> None:
    *entries, last = raw_entries(4)
    await rewrite(redis, [*entries, RawEntry(5, last.link, last.data)])
    with pytest.raises(LinkError) as caught:
        await verify_log(redis, "en")
    assert caught.value.seq == 4


async def test_a_log_that_is_trimmed_while_it_is_read_is_not_damaged(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = raw_entries(6)
    await write(redis, entries[2:])

    async def read_and_trim(redis: Redis, edition: str, after: int, count: int) -> list[RawEntry]:
        found = await read_log(redis, edition, after, count)
        await redis.xtrim(LOG, minid=f"{min(found[0].seq + 1, 6)}-0" if found else "0", approximate=False)
        return found

    monkeypatch.setattr("ticker.store.log_reader.read_log", read_and_trim)
    assert (await verify_log(redis, "en", 1)).head == Position.of(6, entries[-1].link)


@pytest.mark.parametrize("page", [1, 100])
async def test_a_trimmed_log_verifies_from_the_oldest_retained_entry(redis: Redis, page: int) -> None:
    await write(redis, raw_entries(6)[3:])
    verified = await verify_log(redis, "en", page)
    assert (verified.first, verified.entries) == (4, 3)


async def test_a_log_with_another_nonce_does_not_verify(redis: Redis) -> None:
    await write(redis, raw_entries(3, nonce="ab" * 32))
    with pytest.raises(LinkError) as caught:
        await verify_log(redis, "en")
    assert caught.value.seq == 1


async def test_an_unknown_edition_can_not_be_verified_or_rotated(redis: Redis) -> None:
    with pytest.raises(StoreError):
        await verify_log(redis, "xx")
    with pytest.raises(StoreError):
        await rotate(redis, "xx", NONCE)


async def test_a_rotated_log_is_kept_under_another_key_and_the_new_one_is_empty(redis: Redis) -> None:
    entries = raw_entries(3)
    await write(redis, entries)
    archive = await rotate(redis, "en", "ab" * 32)
    assert archive == f"ticker:{{en}}:log:{NONCE[:16]}"
    assert await redis.xlen(archive) == 3
    assert (await verify_log(redis, "en")).head == Position.of(0, "ab" * 32)


async def test_an_empty_log_can_be_rotated(redis: Redis) -> None:
    await rotate(redis, "en", "ab" * 32)
    stored = await load_edition(redis, "en")
    assert stored is not None
    assert stored.nonce == "ab" * 32


async def test_a_second_rotation_at_the_same_time_is_refused_and_no_log_is_lost(redis: Redis) -> None:
    await write(redis, raw_entries(3))
    archive = await rotate(redis, "en", "ab" * 32)
    keys = Keys("en")
    late = await redis.eval(script("rotate"), 3, keys.edition, keys.log, archive, NONCE, "cd" * 32)
    stored = await load_edition(redis, "en")
    assert late == 0
    assert stored is not None
    assert stored.nonce == "ab" * 32
    assert await redis.xlen(archive) == 3
