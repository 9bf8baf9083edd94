"""Held items: a desk holds them, publishes them exactly once, and shows them to nobody before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support.desk_harness import (
    WITH_SECOND_PERSON,
    DeskHarness,
    FailingConnector,
    NewHarness,
    decision,
    lines_of,
    new,
    soon,
    until_on_air,
)
from tests.support.strategies import ENGLISH
from tests.support.waiting import eventually
from ticker.core.edition import Effect, Role
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.submission import (
    Decision,
    Finding,
    ReceiptStatus,
    Submission,
    encode_request,
)
from ticker.store.editors import unregister
from ticker.store.held import read_held
from ticker.store.log_reader import verify_log
from ticker.store.streams import redis_ms

# Schedules


async def test_a_scheduled_line_is_published_at_its_time_with_the_id_of_the_held_item(
    harness: DeskHarness,
) -> None:
    async with harness.desk():
        due = await soon(harness)
        receipt = await harness.ask("ann", new("k1", publish_at=due))
        assert (receipt.status, receipt.due_at, receipt.position) == (ReceiptStatus.HELD, due, None)
        assert await harness.entries() == []
        await until_on_air(harness)
        assert await redis_ms(harness.redis) >= due.timestamp() * 1000
    (entry,) = await harness.entries()
    first, second = await harness.receipts_for("ann", "k1")
    assert (entry.line.id, entry.editor, entry.key, entry.due_at) == (receipt.held, "ann", "k1", due)
    assert (first, second.status, second.id, second.version) == (receipt, ReceiptStatus.ON_AIR, receipt.held, 1)
    assert await harness.held() == []


async def test_a_fast_desk_clock_publishes_nothing_early(
    harness: DeskHarness,
) -> None:
    ahead: Callable[[], datetime] = lambda: datetime.now(UTC) + timedelta(hours=2)  # noqa: E731
    async with harness.desk(clock=ahead) as state:
        embargo = await soon(harness)
        receipt = await harness.ask("ann", new("k1", embargo_until=embargo))
        assert receipt.status is ReceiptStatus.HELD
        await until_on_air(harness)
        assert await redis_ms(harness.redis) >= embargo.timestamp() * 1000
        assert state.errors == 0


async def test_an_embargo_that_has_ended_delays_nothing(harness: DeskHarness) -> None:
    async with harness.desk():
        past = datetime.now(UTC) - timedelta(hours=1)
        assert (await harness.ask("ann", new("k1", embargo_until=past))).status is ReceiptStatus.ON_AIR


async def test_a_held_item_is_published_by_the_next_desk(harness: DeskHarness) -> None:
    async with harness.desk():
        await harness.ask("ann", new("k1", publish_at=await soon(harness)))
    async with harness.desk():
        await until_on_air(harness)


async def test_two_desks_publish_each_held_item_once(harness: DeskHarness) -> None:
    async with AsyncExitStack() as desks:
        for _ in range(2):
            await desks.enter_async_context(harness.desk())
        due = await soon(harness, 2_000)  # submitting 20 takes a while on a busy machine
        for number in range(20):
            await harness.submit("ann", new(f"k{number}", publish_at=due))
        await until_on_air(harness, 20)
        await harness.ask("bob", new("last"))
    entries = await harness.entries()
    assert sorted(entry.key for entry in entries) == sorted([*(f"k{number}" for number in range(20)), "last"])
    await verify_log(harness.redis, "en")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_desk_interrupted_at_any_step_publishes_and_decides_once(
    redis_url: str, after: bool, new_harness: NewHarness
) -> None:
    for at in range(1, 16):
        harness = new_harness(redis_url, f"e{at}", like=WITH_SECOND_PERSON)
        await harness.set_roles(ann=Role.EDITOR, bob=Role.EDITOR)
        await harness.submit("ann", new("k0", publish_at=await soon(harness, 100)))
        await harness.submit("ann", new("k1", urgency=1))
        async with harness.desk(FailingConnector(redis_url, at, after=after, error=RedisConnectionError("lost"))):
            await harness.settled("ann")
            flash = (await harness.receipts_for("ann", "k1"))[0]
            await harness.submit("bob", await harness.approval(flash))
            await until_on_air(harness, 2)
            await harness.settled("bob")
        assert sorted(entry.key for entry in await harness.entries()) == ["k0", "k1"]
        scheduled = [receipt.status for receipt in await harness.receipts_for("ann", "k0")]
        assert scheduled in (
            [ReceiptStatus.HELD, ReceiptStatus.ON_AIR],
            [ReceiptStatus.ON_AIR],
        )  # the line may be due before the desk starts
        assert [receipt.status for receipt in await harness.receipts_for("ann", "k1")] == [
            ReceiptStatus.HELD,
            ReceiptStatus.ON_AIR,
        ]
        assert await harness.held() == []


async def test_an_overdue_item_waits_for_a_person(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, overdue_after_s=0.1)
    async with harness.desk():
        receipt = await harness.ask("ann", new("k1", publish_at=await soon(harness)))

    async def is_long_past() -> bool:
        assert receipt.due_at is not None
        return await redis_ms(harness.redis) > receipt.due_at.timestamp() * 1000 + 200

    await eventually(is_long_past, "its time has passed")
    async with harness.desk():

        async def is_overdue() -> bool:
            return any(held.overdue for held in await harness.held())

        await eventually(is_overdue, "it is overdue")
        assert await harness.entries() == []
        overdue = (await harness.receipts_for("ann", "k1"))[-1]
        assert (overdue.status, [need.code for need in overdue.needs]) == (ReceiptStatus.HELD, ["overdue"])
        published = await harness.approve("ann", overdue)
    assert published.status is ReceiptStatus.ON_AIR
    (entry,) = await harness.entries()
    assert (entry.key, entry.approved_by) == ("k1", None)


async def test_a_held_change_that_became_stale_is_refused_with_a_receipt_for_its_author(harness: DeskHarness) -> None:
    async with harness.desk():
        line = await harness.ask("ann", new("k1"))
        change = Submission(
            key="k2", change=Change.UPDATE, id=line.id, version=1, text="Two", publish_at=await soon(harness)
        )
        await harness.ask("ann", change)
        await harness.ask("bob", Submission(key="k3", change=Change.WITHDRAW, id=line.id, reason="Wrong"))

        async def is_answered() -> bool:
            return len(await harness.receipts_for("ann", "k2")) == 2

        await eventually(is_answered, "the author has the receipt")
    receipt = (await harness.receipts_for("ann", "k2"))[-1]
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "stale")
    assert lines_of(await harness.entries())[-1] == ""
    assert await harness.held() == []


async def test_a_scheduled_line_of_a_removed_editor_waits_for_a_second_person(harness: DeskHarness) -> None:
    async with harness.desk():
        receipt = await harness.ask("eve", new("k1", publish_at=await soon(harness)))
        await unregister(harness.redis, "en", "eve")

        async def waits() -> bool:
            return any(held.waits_for_person for held in await harness.held())

        await eventually(waits, "it waits for a second person")
        assert not await harness.entries()
        (held,) = await harness.held()
        assert [need.code for need in held.needs] == ["removed"]
        assert (await harness.approve("bob", receipt)).status is ReceiptStatus.ON_AIR


async def test_a_scheduled_line_keeps_the_reason_for_its_break_glass(careful: DeskHarness) -> None:
    async with careful.desk():
        glass = new("k1", urgency=1, publish_at=await soon(careful), break_glass="Nobody is here")
        assert (await careful.ask("cleo", glass)).status is ReceiptStatus.HELD
        await until_on_air(careful)
    (entry,) = await careful.entries()
    assert (entry.break_glass, entry.overridden) == ("Nobody is here", ("flash",))


@pytest.mark.parametrize("hours", [-2, 2])
async def test_the_length_of_an_undo_window_does_not_depend_on_the_desks_clock(
    harness: DeskHarness, hours: int
) -> None:
    async with harness.desk(clock=lambda: datetime.now(UTC) + timedelta(hours=hours)):
        receipt = await harness.ask("ann", new("k1", undo_s=60.0))
    assert receipt.due_at is not None
    left_s = receipt.due_at.timestamp() - await redis_ms(harness.redis) / 1000
    assert 30 < left_s <= 60


async def test_a_submission_above_the_limit_of_held_items_is_refused(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, held_per_editor=2)
    async with harness.desk():
        due = await soon(harness, 60_000)
        for number in range(3):
            await harness.submit("ann", new(f"k{number}", publish_at=due))
        receipts = await harness.settled("ann")
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.HELD, ReceiptStatus.HELD, ReceiptStatus.REFUSED]
    assert receipts[-1].errors[0].code == "held"


async def test_a_repeated_key_gets_the_receipt_of_the_held_item_and_later_of_the_line(
    harness: DeskHarness,
) -> None:
    async with harness.desk():
        due = await soon(harness)
        first = await harness.ask("ann", new("k1", publish_at=due))
        assert await harness.ask("ann", new("k1", publish_at=due)) == first
        await until_on_air(harness)
        on_air = await harness.ask("ann", new("k1", publish_at=due))
    assert on_air.status is ReceiptStatus.ON_AIR
    async with harness.desk():
        assert (await harness.ask("ann", new("k1"))).position == on_air.position
    assert len(await harness.entries()) == 1


async def test_a_held_item_is_not_held_again_when_its_receipt_has_been_trimmed(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url, receipts_retained=1)
    due = await soon(harness, 60_000)
    async with harness.desk():
        first = await harness.ask("ann", new("k1", publish_at=due))
        await harness.ask("ann", new("k2", "Another line"))
        assert await harness.ask("ann", new("k1", publish_at=due)) == first
    await harness.redis.xtrim(harness.keys.receipts("ann"), maxlen=0, approximate=False)
    async with harness.desk():
        assert await harness.ask("ann", new("k1", publish_at=due)) == first
    assert [held.id for held in await harness.held()] == [first.held]


async def test_a_scheduled_line_that_became_a_duplicate_waits_for_a_second_person(
    redis_url: str, new_harness: NewHarness
) -> None:
    rules = {**ENGLISH.rules, "duplicate": Effect.REVIEW}
    harness = new_harness(redis_url, like=msgspec.structs.replace(ENGLISH, rules=rules))
    async with harness.desk():
        receipt = await harness.ask("ann", new("k1", publish_at=await soon(harness)))
        assert (await harness.ask("bob", new("k2", again=True))).status is ReceiptStatus.ON_AIR

        async def waits() -> bool:
            return any(held.waits_for_person for held in await harness.held())

        await eventually(waits, "it waits for a second person")
        assert len(await harness.entries()) == 1
        again = (await harness.receipts_for("ann", "k1"))[-1]
        assert (again.status, [need.code for need in again.needs]) == (ReceiptStatus.HELD, ["duplicate"])
        assert (await harness.approve("bob", receipt)).status is ReceiptStatus.ON_AIR
    assert (await harness.entries())[-1].approved_by == "bob"


# Undo


async def test_a_line_cancelled_in_its_undo_window_is_never_published(harness: DeskHarness) -> None:
    async with harness.desk():
        receipt = await harness.ask("ann", new("k1", undo_s=300))
        cancelled = await harness.ask("ann", decision(Decision.CANCEL, receipt))
    assert (receipt.status, cancelled.status, cancelled.decided_by) == (
        ReceiptStatus.HELD,
        ReceiptStatus.DROPPED,
        "ann",
    )
    assert [receipt.status for receipt in await harness.receipts_for("ann", "k1")] == [
        ReceiptStatus.HELD,
        ReceiptStatus.DROPPED,
    ]
    assert not await harness.entries()
    assert not await harness.held()


async def test_the_undo_window_of_an_edition_delays_neither_a_flash_nor_a_withdrawal(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url, like=msgspec.structs.replace(ENGLISH, undo_s=300.0))
    async with harness.desk():
        plain = await harness.ask("ann", new("k1"))
        flash = await harness.ask("ann", new("k2", urgency=1))
        withdrawn = await harness.ask("ann", Submission(key="k3", change=Change.WITHDRAW, id=flash.id, reason="Wrong"))
    assert [each.status for each in (plain, flash, withdrawn)] == [
        ReceiptStatus.HELD,
        ReceiptStatus.ON_AIR,
        ReceiptStatus.ON_AIR,
    ]


async def test_a_held_item_of_another_version_is_left_alone(harness: DeskHarness) -> None:
    held = Held(id="one", editor="ann", submission=new("k1"), submitted_at=datetime.now(UTC))
    await harness.redis.hset(harness.keys.held, "odd", b'{"of":"another version"}')
    await harness.redis.hset(harness.keys.held, "two", msgspec.json.encode(held))
    async with harness.desk() as state:
        assert (await harness.ask("ann", new("k2"))).status is ReceiptStatus.ON_AIR
        assert state.errors == 0
    assert await read_held(harness.redis, "en") == {}
    assert await harness.redis.hlen(harness.keys.held) == 2


async def test_a_submission_with_a_huge_note_is_too_big(harness: DeskHarness) -> None:
    async with harness.desk():
        await harness.submit_raw("ann", encode_request(new("k1", note="n" * 10_000)))
        (receipt,) = await harness.settled("ann")
    assert receipt.errors == (Finding("too-big", receipt.errors[0].detail),)
