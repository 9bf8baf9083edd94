"""`append.lua` settles each request as a whole or not at all, and only if the log and the cursor are unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from redis.exceptions import ResponseError

from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.position import next_link
from ticker.store.append import AHEAD_MS, Appended, Head, HeldChange, NewEntry, Settlement, Stop, append
from ticker.store.connection import Redis, connect
from ticker.store.editions import save_edition
from ticker.store.keys import Keys
from ticker.store.log_reader import read_log
from ticker.store.streams import redis_ms

NONCE = "5e" * 32
START = Head(0, NONCE)
KEYS = Keys("en")
FAR = 2**45


@pytest_asyncio.fixture
async def redis(empty_url: str) -> AsyncIterator[Redis]:
    client = connect(empty_url, role="desk")
    await save_edition(client, "en", DEFAULT_EDITIONS["en"], NONCE)
    yield client
    await client.aclose()


async def waiting(redis: Redis, stream_id: str = "*", editor: str = "ann") -> str:
    added = await redis.xadd(KEYS.inbox(editor), {"submission": "{}"}, id=stream_id)
    assert isinstance(added, bytes)
    return added.decode()


def settlement(submission: str, cursor: str = "0-0", **fields: Any) -> Settlement:
    return msgspec.structs.replace(
        Settlement(editor="ann", cursor=cursor, submission=submission, receipt=b"{}", deadline_at_ms=FAR), **fields
    )


def entry(head: Head = START, data: bytes = b"{}") -> NewEntry:
    return NewEntry(data, next_link(head.link, data))


async def run(redis: Redis, head: Head | None, *batch: Settlement) -> Appended:
    return await append(redis, "en", head, batch, 1000)


async def everything(redis: Redis) -> list[Any]:
    return [
        await redis.xrange(KEYS.log),
        await redis.hgetall(KEYS.cursors),
        await redis.xrange(KEYS.receipts("ann")),
        await redis.xrange(KEYS.inbox("ann")),
    ]


async def test_a_settlement_appends_the_entry_moves_the_cursor_and_adds_the_receipt(
    redis: Redis,
) -> None:
    submission = await waiting(redis)
    appended = await run(redis, START, settlement(submission, entry=entry(), receipt=b"R"))
    assert (appended.settled, appended.stop) == (1, Stop.DONE)
    assert appended.redis_ms <= await redis_ms(redis)
    log, cursors, ((_, receipt),), inbox = await everything(redis)
    assert log == [(b"1-0", {b"entry": b"{}", b"link": entry().link.encode()})]
    assert cursors == {b"ann": submission.encode()}
    assert receipt == {b"receipt": b"R", b"submission": submission.encode(), b"until": str(FAR).encode()}
    assert inbox == []


async def test_the_entries_of_a_batch_get_consecutive_numbers(redis: Redis) -> None:
    first, second, third = [await waiting(redis) for _ in range(3)]
    one = entry()
    two = entry(Head(1, one.link), b"[2]")
    appended = await run(
        redis,
        START,
        settlement(first, entry=one),
        settlement(second, first),
        settlement(third, second, entry=two),
    )
    assert appended.settled == 3
    assert [raw.seq for raw in await read_log(redis, "en", 0)] == [1, 2]


@pytest.mark.parametrize(
    "head", [Head(0, "ab" * 32), Head(1, NONCE), Head(1, next_link(NONCE, b"{}"))], ids=["nonce", "seq", "both"]
)
async def test_nothing_is_settled_if_an_empty_log_has_another_nonce(redis: Redis, head: Head) -> None:
    submission = await waiting(redis)
    before = await everything(redis)
    appended = await run(redis, head, settlement(submission, entry=entry(head)))
    assert (appended.settled, appended.stop) == (0, Stop.MOVED)
    assert await everything(redis) == before


@pytest.mark.parametrize("head", [START, Head(1, "ab" * 32), Head(2, entry().link)], ids=["behind", "link", "seq"])
async def test_nothing_is_settled_if_the_head_has_changed(redis: Redis, head: Head) -> None:
    first, second = [await waiting(redis) for _ in range(2)]
    await run(redis, START, settlement(first, entry=entry()))
    before = await everything(redis)
    appended = await run(redis, head, settlement(second, first, entry=entry(head)))
    assert (appended.settled, appended.stop) == (0, Stop.MOVED)
    assert await everything(redis) == before


async def test_a_repeated_settlement_returns_moved(redis: Redis) -> None:
    submission = await waiting(redis)
    await run(redis, START, settlement(submission))
    before = await everything(redis)
    appended = await run(redis, START, settlement(submission))
    assert (appended.settled, appended.stop) == (0, Stop.MOVED)
    assert await everything(redis) == before


async def test_a_batch_is_settled_up_to_the_first_cursor_that_has_changed(redis: Redis) -> None:
    first, second = [await waiting(redis) for _ in range(2)]
    appended = await run(redis, START, settlement(first), settlement(second, "7-7", entry=entry()))
    assert (appended.settled, appended.stop) == (1, Stop.MOVED)
    assert await redis.hgetall(KEYS.cursors) == {b"ann": first.encode()}
    assert await redis.xlen(KEYS.log) == 0


async def test_an_entry_after_its_deadline_is_late_but_a_refusal_is_never_late(redis: Redis) -> None:
    first, second = [await waiting(redis) for _ in range(2)]
    appended = await run(
        redis, START, settlement(first, deadline_at_ms=1), settlement(second, first, deadline_at_ms=1, entry=entry())
    )
    assert (appended.settled, appended.stop) == (1, Stop.LATE)
    assert await redis.xlen(KEYS.log) == 0


def release(before: bytes = b"H", not_before_ms: int | None = None) -> Settlement:
    """Return the settlement that publishes a held item."""
    change = HeldChange(id="h1", before=before, after=b"", author="ann", receipt=b"R", not_before_ms=not_before_ms)
    return settlement("", "", entry=entry(), held=change, deadline_at_ms=None)


async def test_a_held_item_is_not_published_before_its_time_by_this_servers_clock(redis: Redis) -> None:
    """The desk's idea of the time may come from a server that died and had a fast clock."""
    await redis.hset(KEYS.held, "h1", b"H")
    now = await redis_ms(redis)
    appended = await run(redis, START, release(not_before_ms=now + 60_000))
    assert (appended.settled, appended.stop) == (0, Stop.EARLY)
    assert await redis.xlen(KEYS.log) == 0
    assert (await run(redis, START, release(not_before_ms=now))).settled == 1
    assert await redis.xlen(KEYS.log) == 1


async def test_a_held_item_that_has_changed_is_not_published(redis: Redis) -> None:
    await redis.hset(KEYS.held, "h1", b"H")
    for other in (b"another", b""):
        assert (await run(redis, START, release(other))).stop is Stop.MOVED
    assert (await run(redis, START, release())).settled == 1
    assert (await run(redis, Head(1, entry().link), release())).stop is Stop.MOVED, "it has come out already"
    assert await redis.xlen(KEYS.log) == 1


async def test_an_id_too_far_ahead_of_the_clock_stops_the_batch_and_one_within_the_limit_does_not(redis: Redis) -> None:
    now = await redis_ms(redis)
    within = await waiting(redis, f"{now + AHEAD_MS - 1000}-0")
    beyond = await waiting(redis, f"{now + AHEAD_MS + 60_000}-0")
    appended = await run(redis, START, settlement(within), settlement(beyond, within))
    assert (appended.settled, appended.stop) == (1, Stop.AHEAD)


async def test_an_inbox_whose_last_id_was_ahead_is_reset_once_it_is_empty(redis: Redis) -> None:
    first, second = "9999999999999-0", "18446744073709551615-18446744073709551615"
    for stream_id in (first, second):
        await waiting(redis, stream_id)
    await run(redis, START, settlement(first, is_ahead=True))
    assert await redis.hget(KEYS.cursors, "ann") == first.encode()
    await run(redis, START, settlement(second, first, is_ahead=True))
    assert await redis.hget(KEYS.cursors, "ann") is None
    assert int((await waiting(redis)).partition("-")[0]) <= await redis_ms(redis)


async def test_without_a_head_refusals_are_settled_on_any_log(redis: Redis) -> None:
    await redis.xadd(KEYS.log, {"entry": "x", "link": "y"}, id="9-0")
    appended = await run(redis, None, settlement(await waiting(redis)))
    assert (appended.settled, appended.stop) == (1, Stop.DONE)


async def test_the_script_is_loaded_again_after_the_server_has_lost_it(redis: Redis) -> None:
    first, second = [await waiting(redis) for _ in range(2)]
    await run(redis, START, settlement(first))
    await redis.script_flush()
    assert (await run(redis, START, settlement(second, first))).settled == 1


@pytest.mark.parametrize("key", [KEYS.inbox("ann"), KEYS.receipts("ann"), KEYS.cursors, KEYS.log])
async def test_a_key_of_the_wrong_type_changes_nothing(redis: Redis, key: str) -> None:
    await redis.set(key, "x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await run(redis, START, settlement("5-0", entry=entry()))
    assert {name async for name in redis.scan_iter()} == {b"ticker:{en}:edition", b"ticker:editions", key.encode()}


async def test_an_emptied_log_reuses_no_number(redis: Redis) -> None:
    first, second = [await waiting(redis) for _ in range(2)]
    await run(redis, START, settlement(first, entry=entry()))
    await redis.xtrim(KEYS.log, maxlen=0, approximate=False)
    before = await everything(redis)
    with pytest.raises(ResponseError, match="equal or smaller"):
        await run(redis, START, settlement(second, first, entry=entry()))
    assert await everything(redis) == before


async def test_a_server_without_memory_settles_nothing(redis: Redis) -> None:
    submission = await waiting(redis)
    before = await everything(redis)
    await redis.config_set("maxmemory", 1)
    with pytest.raises(ResponseError, match=r"OOM|maxmemory"):
        await run(redis, START, settlement(submission, entry=entry()))
    await redis.config_set("maxmemory", 0)
    assert await everything(redis) == before
