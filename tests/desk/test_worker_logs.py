"""One edition's desk, and changes of its log: trimming, a flush, a rotation and damage."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.desk_harness import DeskHarness, NewHarness, new
from tests.support.waiting import eventually
from ticker.core.errors import LinkError
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.store.editions import load_edition
from ticker.store.log_reader import rotate, verify_log
from ticker.store.streams import read_range


async def test_logs_and_receipts_are_trimmed(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, retained=10, receipts_retained=10)
    async with harness.desk():
        for number in range(400):
            await harness.submit("ann", new(f"k{number}"))
        await eventually(
            lambda: _is(harness.redis.hget(harness.keys.cursors, "ann"), last_of(harness)), "all are settled"
        )
        oldest = await harness.redis.xinfo_stream(harness.keys.log)
    verified = await verify_log(harness.redis, "en")
    async with harness.desk() as state:  # a desk that starts with a trimmed log
        receipt = await harness.ask("ann", new("next"))
    receipts = await harness.redis.xlen(harness.keys.receipts("ann"))
    assert oldest["last-generated-id"] == b"400-0"
    assert 10 <= verified.entries <= 110
    assert 10 <= receipts <= 111
    assert receipt.position is not None
    assert receipt.position.startswith("401-")
    assert state.fault is None


async def last_of(harness: DeskHarness) -> bytes:
    info: dict[str, Any] = await harness.redis.xinfo_stream(harness.keys.inbox("ann"))
    return bytes(info["last-generated-id"])


async def _is(left: Any, right: Any) -> bool:
    return bool(await left == await right)


async def test_a_flushed_log_starts_again(harness: DeskHarness) -> None:
    async with harness.desk():
        await harness.ask("ann", new("k1"))
        before = await load_edition(harness.redis, "en")
        await harness.redis.flushall()
        receipt = await harness.ask("ann", new("k2"))
    after = await load_edition(harness.redis, "en")
    assert receipt.position is not None
    assert receipt.position.startswith("1-")
    assert before is not None
    assert after is not None
    assert before.nonce != after.nonce
    assert [entry.key for entry in await harness.entries()] == ["k2"]


async def test_a_running_desk_continues_on_a_rotated_log(harness: DeskHarness) -> None:
    async with harness.desk():
        old = await harness.ask("ann", new("k1"))
        await rotate(harness.redis, "en", "ab" * 32)
        update = Submission(key="k2", change=Change.UPDATE, id=old.id, text="Of the old log")
        gone = await harness.ask("ann", update)
        receipt = await harness.ask("ann", new("k3"))
    assert (gone.status, gone.errors[0].code) == (ReceiptStatus.REFUSED, "unknown")
    assert [entry.key for entry in await harness.entries()] == ["k3"]
    assert receipt.status is ReceiptStatus.ON_AIR


async def test_nothing_is_appended_to_an_invalid_log_until_it_is_rotated(harness: DeskHarness) -> None:
    async with harness.desk():
        for number in range(4):
            await harness.ask("ann", new(f"k{number}"))
    await harness.forge_entry(3, lambda data: data.replace(b"Quake", b"Quack"))
    with pytest.raises(LinkError) as caught:
        await verify_log(harness.redis, "en")
    assert caught.value.seq == 3
    async with harness.desk() as state:
        assert "entry 3" in str(state.fault)
        refused = await harness.ask("bob", new("k4"))
        repeated = await harness.ask("ann", new("k0"))
        assert await harness.redis.xlen(harness.keys.log) == 4
        await rotate(harness.redis, "en", "ab" * 32)
        receipt = await harness.ask("ann", new("k5"))
        assert str(state.fault) == "None"
        assert (await harness.ask("bob", new("k4"))).status is ReceiptStatus.ON_AIR
    assert (refused.status, [finding.code for finding in refused.errors]) == (ReceiptStatus.REFUSED, ["log"])
    assert repeated.status is ReceiptStatus.ON_AIR
    assert receipt.status is ReceiptStatus.ON_AIR


async def test_a_log_with_a_missing_number_has_a_fault_even_if_every_link_matches(harness: DeskHarness) -> None:
    async with harness.desk():
        for number in range(2):
            await harness.ask("ann", new(f"k{number}"))
    (_, last) = await read_range(harness.redis, harness.keys.log)
    await harness.redis.xdel(harness.keys.log, "2-0")
    await harness.redis.xadd(harness.keys.log, {name.decode(): value for name, value in last[1].items()}, id="3-0")
    async with harness.desk() as state:
        assert "entry 2 is missing" in str(state.fault)
