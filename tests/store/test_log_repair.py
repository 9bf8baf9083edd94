"""Repairs of damaged logs, on a real server and with a real desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.support.desk_harness import DeskHarness, NewHarness, lines_of, new
from ticker.core.errors import StoreError
from ticker.core.line import Change, Status
from ticker.core.repair import Effect
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.log_reader import rotate, verify_log
from ticker.store.log_repair import inspect_log, repair_log

TEXTS = ("Ferries run again", "Bridge reopens", "School stays shut", "Rain moves east", "Airport is open")


@pytest_asyncio.fixture
async def harness(empty_url: str) -> AsyncIterator[DeskHarness]:
    harness = DeskHarness(empty_url)
    yield harness
    await harness.aclose()


async def post_all(harness: DeskHarness) -> list[Receipt]:
    return [await harness.ask("ann", new(f"k{number}", text)) for number, text in enumerate(TEXTS, start=1)]


async def withdraw(harness: DeskHarness, receipt: Receipt, key: str) -> Receipt:
    change = Submission(key=key, change=Change.WITHDRAW, id=receipt.id, version=receipt.version, reason="It was wrong")
    return await harness.ask("bob", change)


async def delete_middle(harness: DeskHarness) -> None:
    await harness.redis.xdel(harness.keys.log, "3-0")


async def change_field(harness: DeskHarness) -> None:
    await harness.forge_entry(3, lambda data: data.replace(b"School", b"Church"))


async def break_json(harness: DeskHarness) -> None:
    await harness.forge_entry(3, lambda data: data[: len(data) // 2])


async def add_alien(harness: DeskHarness) -> None:
    await harness.redis.xadd(harness.keys.log, {"anything": "else"})


@pytest.mark.parametrize(
    ("damage", "lost"), [(delete_middle, 3), (change_field, 3), (break_json, 3), (add_alien, None)]
)
async def test_a_repair_keeps_every_other_line_its_keys_and_the_ability_to_withdraw_it(
    harness: DeskHarness, damage: Callable[[DeskHarness], Awaitable[None]], lost: int | None
) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        later = datetime.now(UTC) + timedelta(hours=1)
        pin = Submission(key="p1", change=Change.PIN, id=posted[1].id, pinned_until=later)
        await harness.ask("ann", pin)
        held = await harness.ask("bob", new("s1", "Ships sail at noon", publish_at=later))
    await damage(harness)
    async with harness.desk() as state:
        assert "entry" in str(state.fault)
        damaged = await inspect_log(harness.redis, "en")
        assert damaged.plan.is_needed
        assert [version.id for version in damaged.plan.lost] == ([posted[lost - 1].id] if lost else [])
        assert not [fault for fault in damaged.plan.unexplained if fault.first < 1000]
        archive = await repair_log(harness.redis, damaged)
        again = await harness.ask("ann", new("k1", TEXTS[0]))
        gone = await withdraw(harness, posted[4], "w1")
        assert str(state.fault) == "None"
    await verify_log(harness.redis, "en")
    kept = [text for number, text in enumerate(TEXTS, start=1) if number != lost]
    entries = await harness.entries()
    assert lines_of(entries) == [*kept, TEXTS[1], ""]
    assert entries[len(kept)].line.pinned_until == pin.pinned_until
    assert (again.status, again.id, gone.status) == (ReceiptStatus.ON_AIR, posted[0].id, ReceiptStatus.ON_AIR)
    assert [item.id for item in await harness.held()] == [held.held]
    assert await harness.redis.exists(archive)
    assert not (await inspect_log(harness.redis, "en")).plan.is_needed


async def test_the_key_of_a_lost_line_counts_as_new_after_the_repair(harness: DeskHarness) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        await delete_middle(harness)
        await repair_log(harness.redis, await inspect_log(harness.redis, "en"))
        again = await harness.ask("ann", new("k3", TEXTS[2]))
    assert (again.status, again.id != posted[2].id) == (ReceiptStatus.ON_AIR, True)
    assert lines_of(await harness.entries())[-1] == TEXTS[2]


async def test_the_key_of_a_trimmed_line_is_answered_after_repairs_and_not_after_a_rotation(
    empty_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(empty_url, retained=5, submissions_per_minute=0)
    first = new("k1", "The very first line of all")
    async with harness.desk():
        posted = await harness.ask("ann", first)
        for number in range(40):
            await harness.ask("ann", new(f"x{number}", f"Line {number} says {number * 7}", again=True))
        for _ in range(2):
            await repair_log(harness.redis, await inspect_log(harness.redis, "en"))
            again = await harness.ask("ann", first)
            assert (again.status, again.id) == (ReceiptStatus.ON_AIR, posted.id)
            other = await harness.ask("ann", new("x39", "Line 39 says 273"))
            assert other.status is ReceiptStatus.ON_AIR
    assert "k1" not in {entry.key for entry in await harness.entries()}
    async with harness.desk():
        await rotate(harness.redis, "en", "ab" * 32)
        again = await harness.ask("ann", first)
    assert (again.status, again.id != posted.id) == (ReceiptStatus.ON_AIR, True)


async def test_a_withdrawal_that_was_cut_off_with_the_end_of_the_log_stays(harness: DeskHarness) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        await withdraw(harness, posted[0], "w1")
    await harness.redis.xdel(harness.keys.log, "6-0")
    await verify_log(harness.redis, "en")  # links don't tell
    damaged = await inspect_log(harness.redis, "en")
    assert [(lost.id, lost.effect) for lost in damaged.plan.lost] == [(posted[0].id, Effect.WITHDRAWN)]
    await repair_log(harness.redis, damaged)
    entries = await harness.entries()
    assert (entries[-1].line.id, entries[-1].line.status, entries[-1].line.text) == (posted[0].id, Status.CANCELED, "")


async def test_a_log_that_changed_since_it_was_read_is_not_replaced(harness: DeskHarness) -> None:
    async with harness.desk():
        await post_all(harness)
        await delete_middle(harness)
        damaged = await inspect_log(harness.redis, "en")
        await harness.ask("ann", new("k6", "One more"))  # this desk has not noticed the damage
    before = sorted(await harness.redis.keys("*"))
    with pytest.raises(StoreError, match="has changed while it was read: run the command again"):
        await repair_log(harness.redis, damaged)
    assert sorted(await harness.redis.keys("*")) == before
    await rotate(harness.redis, "en", "ab" * 32)
    with pytest.raises(StoreError, match="run the command again"):
        await repair_log(harness.redis, damaged)


async def test_a_log_that_lost_every_entry_gets_an_empty_history(harness: DeskHarness) -> None:
    async with harness.desk():
        await harness.ask("ann", new("k1"))
    await harness.forge_entry(1, lambda _: b"{")
    damaged = await inspect_log(harness.redis, "en")
    assert (damaged.plan.kept, damaged.plan.is_needed) == (0, True)
    await repair_log(harness.redis, damaged)
    assert await harness.entries() == []


async def test_a_large_log_is_prepared_in_several_steps(harness: DeskHarness) -> None:
    async with harness.desk():
        for number in range(6):
            await harness.ask("ann", new(f"k{number}", f"Line {number}"))
    await delete_middle(harness)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ticker.store.log_repair.BATCH_BYTES", 1)
        await repair_log(harness.redis, await inspect_log(harness.redis, "en"))
    assert (await verify_log(harness.redis, "en")).entries == 5
    assert await harness.redis.ttl(harness.keys.log) == -1
