from __future__ import annotations

import asyncio

import pytest

from ticker.core.errors import StoreError
from ticker.core.submission import TEMPORARY, Finding, Receipt, ReceiptStatus, encode_receipt
from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.receipts import await_receipt, last_receipt_id, read_receipts, walk_receipts
from ticker.store.streams import redis_ms

STREAM = Keys("en").receipts("ann")


def receipt(key: str) -> Receipt:
    return Receipt(status=ReceiptStatus.REFUSED, edition="en", key=key)


async def answer(redis: Redis, key: str) -> str:
    added = await redis.xadd(STREAM, {"receipt": encode_receipt(receipt(key)), "submission": "7-0", "until": "9"})
    assert isinstance(added, bytes)
    return added.decode()


async def test_await_receipt_returns_the_receipt_with_the_key(redis: Redis, blocking_redis: Redis) -> None:
    for key in ("k0", "k1", "k2"):
        await answer(redis, key)
    found = await await_receipt(blocking_redis, "en", "ann", key="k1", after="0-0", deadline_at_ms=0)
    assert found is not None
    assert (found.receipt, found.submission, found.deadline_at_ms) == (receipt("k1"), "7-0", 9)


async def test_await_receipt_ignores_receipts_up_to_the_given_id(redis: Redis, blocking_redis: Redis) -> None:
    await answer(redis, "k1")
    after = await last_receipt_id(redis, "en", "ann")
    assert (
        await await_receipt(blocking_redis, "en", "ann", key="k1", after=after, deadline_at_ms=await redis_ms(redis))
        is None
    )


async def test_await_receipt_returns_as_soon_as_the_receipt_is_added(redis: Redis, blocking_redis: Redis) -> None:
    after = await last_receipt_id(redis, "en", "ann")
    assert after == "0-0"
    until = await redis_ms(redis) + 60_000
    waiting = asyncio.create_task(
        await_receipt(blocking_redis, "en", "ann", key="k1", after=after, deadline_at_ms=until)
    )
    await answer(redis, "another")
    stream_id = await answer(redis, "k1")
    found = await asyncio.wait_for(waiting, 60)
    assert found is not None
    assert found.id == stream_id


async def test_await_receipt_returns_none_soon_after_the_deadline(redis: Redis, blocking_redis: Redis) -> None:
    until = await redis_ms(redis) + 400
    assert await await_receipt(blocking_redis, "en", "ann", key="k1", after="0-0", deadline_at_ms=until) is None
    assert until < await redis_ms(redis) < until + 1500


async def test_read_receipts_returns_a_page_after_the_given_id_oldest_first(redis: Redis) -> None:
    ids = [await answer(redis, f"k{number}") for number in range(5)]
    assert [stored.id for stored in await read_receipts(redis, "en", "ann", ids[1], 2)] == ids[2:4]


async def test_an_unreadable_receipt_raises_with_its_id(redis: Redis) -> None:
    await redis.xadd(STREAM, {"receipt": "nonsense"})
    with pytest.raises(StoreError, match=r"can't read receipt \d+-\d+"):
        await read_receipts(redis, "en", "ann")


async def test_await_receipt_finds_a_receipt_added_while_it_read_the_clock(redis: Redis, blocking_redis: Redis) -> None:
    read_clock = blocking_redis.time

    async def answer_then_read_clock() -> tuple[int, int]:
        await answer(redis, "k1")
        seconds, microseconds = await read_clock()
        return seconds, microseconds

    blocking_redis.time = answer_then_read_clock  # type: ignore[method-assign, assignment]
    assert await await_receipt(blocking_redis, "en", "ann", key="k1", after="0-0", deadline_at_ms=0) is not None


async def test_walk_receipts_yields_more_than_one_page(redis: Redis) -> None:
    ids = [await answer(redis, f"k{number}") for number in range(205)]
    assert [stored.id async for stored in walk_receipts(redis, "en", "ann")] == ids


async def answer_to(redis: Redis, submission: str, status: ReceiptStatus, *codes: str) -> Receipt:
    """Add a receipt with the key k1 for one of several submissions with that key."""
    errors = tuple(Finding(code, "…") for code in codes)
    given = Receipt(status=status, edition="en", key="k1", errors=errors)
    await redis.xadd(STREAM, {"receipt": encode_receipt(given), "submission": submission, "until": "9"})
    return given


@pytest.mark.parametrize("code", sorted(TEMPORARY))
async def test_a_temporary_refusal_of_an_earlier_submission_does_not_answer_the_next_with_its_key(
    redis: Redis, blocking_redis: Redis, code: str
) -> None:
    await answer_to(redis, "7-0", ReceiptStatus.REFUSED, code)
    on_air = await answer_to(redis, "8-0", ReceiptStatus.ON_AIR)
    for submission in ("8-0", None):
        found = await await_receipt(
            blocking_redis, "en", "ann", key="k1", after="0-0", deadline_at_ms=0, submission=submission
        )
        assert found is not None
        assert found.receipt == on_air


async def test_a_temporary_refusal_answers_its_own_submission(redis: Redis, blocking_redis: Redis) -> None:
    until = await redis_ms(redis) + 60_000
    refused = await answer_to(redis, "7-0", ReceiptStatus.REFUSED, "rate")
    waiting = await_receipt(blocking_redis, "en", "ann", key="k1", after="0-0", deadline_at_ms=until, submission="7-0")
    found = await asyncio.wait_for(waiting, 60)
    assert found is not None
    assert found.receipt == refused


async def test_a_temporary_refusal_of_an_unknown_submission_is_returned_after_the_deadline(
    redis: Redis, blocking_redis: Redis
) -> None:
    refused = await answer_to(redis, "7-0", ReceiptStatus.REFUSED, "rate")
    found = await await_receipt(blocking_redis, "en", "ann", key="k1", after="0-0", deadline_at_ms=0)
    assert found is not None
    assert found.receipt == refused
