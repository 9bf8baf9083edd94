"""Submitting, and waiting for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ticker.core.edition import Role
from ticker.core.errors import StoreError
from ticker.core.line import Change
from ticker.core.submission import Receipt, ReceiptStatus, Submission, decode_request, encode_receipt
from ticker.store.connection import Redis, connect
from ticker.store.inbox import (
    await_receipt,
    deadline_at_ms,
    last_receipt_id,
    read_receipts,
    register,
    roles,
    set_role,
    submit,
    unregister,
)
from ticker.store.keys import Keys
from ticker.store.streams import milliseconds_of, read_range, redis_ms

KEYS = Keys("en")
STREAM = KEYS.receipts("ann")


@pytest_asyncio.fixture
async def redis(empty_url: str) -> AsyncIterator[Redis]:
    client = connect(empty_url, role="tick")
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def ears(empty_url: str) -> AsyncIterator[Redis]:
    client = connect(empty_url, role="tick", blocking=True)
    yield client
    await client.aclose()


def receipt(key: str) -> Receipt:
    return Receipt(status=ReceiptStatus.REFUSED, edition="en", key=key)


async def answer(redis: Redis, key: str) -> str:
    added = await redis.xadd(STREAM, {"receipt": encode_receipt(receipt(key)), "submission": "7-0", "until": "9"})
    assert isinstance(added, bytes)
    return added.decode()


async def test_a_submission_lies_in_the_editors_inbox_under_the_time_it_came(redis: Redis) -> None:
    submission = Submission(key="k1", change=Change.NEW, text="A line")
    stream_id = await submit(redis, "en", "ann", submission)
    ((found_id, fields),) = await read_range(redis, KEYS.inbox("ann"))
    assert found_id == stream_id
    assert decode_request(fields[b"submission"], 8192) == submission
    assert deadline_at_ms(stream_id, 30) == milliseconds_of(stream_id) + 30_000


async def test_registering_rings_the_bell_only_the_first_time(redis: Redis) -> None:
    assert await register(redis, "en", "ann")
    assert not await register(redis, "en", "ann")
    assert await redis.xlen(KEYS.bell) == 1
    await register(redis, "en", "bob")
    assert await redis.xlen(KEYS.bell) == 1
    assert await roles(redis, "en") == {"ann": None, "bob": None}


async def test_a_role_that_was_given_stays_when_its_editor_posts(redis: Redis) -> None:
    await register(redis, "en", "ann")
    await set_role(redis, "en", "ann", Role.CHIEF)
    assert not await register(redis, "en", "ann")
    assert await roles(redis, "en") == {"ann": Role.CHIEF}
    await unregister(redis, "en", "ann")
    await register(redis, "en", "ann")
    assert await roles(redis, "en") == {"ann": None}


async def test_another_role_rings_the_bell(redis: Redis) -> None:
    await set_role(redis, "en", "ann", Role.REPORTER)
    ((first, _),) = await read_range(redis, KEYS.bell)
    await set_role(redis, "en", "ann", Role.EDITOR)
    ((second, _),) = await read_range(redis, KEYS.bell)
    assert first != second


async def test_a_role_of_another_version_is_the_least(redis: Redis) -> None:
    await redis.hset(KEYS.editors, "ann", "publisher")
    assert await roles(redis, "en") == {"ann": Role.REPORTER}


async def test_the_receipt_with_the_key_is_found_among_others(redis: Redis, ears: Redis) -> None:
    for key in ("k0", "k1", "k2"):
        await answer(redis, key)
    found = await await_receipt(ears, "en", "ann", key="k1", after="0-0", deadline_at_ms=0)
    assert found is not None
    assert (found.receipt, found.submission, found.deadline_at_ms) == (receipt("k1"), "7-0", 9)


async def test_a_receipt_of_before_is_not_the_answer(redis: Redis, ears: Redis) -> None:
    await answer(redis, "k1")
    after = await last_receipt_id(redis, "en", "ann")
    assert await await_receipt(ears, "en", "ann", key="k1", after=after, deadline_at_ms=await redis_ms(redis)) is None


async def test_a_receipt_wakes_who_waits_for_it(redis: Redis, ears: Redis) -> None:
    after = await last_receipt_id(redis, "en", "ann")
    assert after == "0-0"
    until = await redis_ms(redis) + 60_000
    waiting = asyncio.create_task(await_receipt(ears, "en", "ann", key="k1", after=after, deadline_at_ms=until))
    await answer(redis, "another")
    stream_id = await answer(redis, "k1")
    found = await asyncio.wait_for(waiting, 5)
    assert found is not None
    assert found.id == stream_id


async def test_waiting_ends_soon_after_the_deadline(redis: Redis, ears: Redis) -> None:
    until = await redis_ms(redis) + 400
    assert await await_receipt(ears, "en", "ann", key="k1", after="0-0", deadline_at_ms=until) is None
    assert until < await redis_ms(redis) < until + 1500


async def test_receipts_are_read_in_order_from_where_one_was(redis: Redis) -> None:
    ids = [await answer(redis, f"k{number}") for number in range(5)]
    assert [stored.id for stored in await read_receipts(redis, "en", "ann", ids[1], 2)] == ids[2:4]


async def test_a_receipt_that_can_not_be_read_is_said_to_be_so(redis: Redis) -> None:
    await redis.xadd(STREAM, {"receipt": "nonsense"})
    with pytest.raises(StoreError, match="receipt"):
        await read_receipts(redis, "en", "ann")


async def test_a_receipt_that_came_while_the_clock_was_read_is_not_overlooked(redis: Redis, ears: Redis) -> None:
    read_clock = ears.time

    async def answer_then_read_clock() -> tuple[int, int]:
        await answer(redis, "k1")
        seconds, microseconds = await read_clock()
        return seconds, microseconds

    ears.time = answer_then_read_clock  # type: ignore[method-assign, assignment]
    assert await await_receipt(ears, "en", "ann", key="k1", after="0-0", deadline_at_ms=0) is not None
