"""Held items: a desk holds them, publishes them exactly once, and shows them to nobody before."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support.desk_harness import DeskHarness, FailingConnector, lines_of, new
from tests.support.strategies import ENGLISH
from tests.support.waiting import eventually
from ticker.core.edition import Effect, Role, SecondPerson
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.submission import (
    Decision,
    DecisionRequest,
    Finding,
    Receipt,
    ReceiptStatus,
    Submission,
    encode_request,
)
from ticker.store.editors import unregister
from ticker.store.held import read_held
from ticker.store.log_reader import verify_log
from ticker.store.streams import redis_ms

CAREFUL = msgspec.structs.replace(
    ENGLISH, second_person=(SecondPerson.FLASH, SecondPerson.WITHDRAWAL, SecondPerson.REPORTER)
)


@pytest_asyncio.fixture
async def careful(redis_url: str) -> AsyncIterator[DeskHarness]:
    """An edition that requires second persons, with a reporter, two editors and a chief."""
    room = DeskHarness(redis_url, like=CAREFUL)
    await room.set_roles(rana=Role.REPORTER, ann=Role.EDITOR, bob=Role.EDITOR, cleo=Role.CHIEF)
    yield room
    await room.aclose()


async def soon(newsroom: DeskHarness, ms: int = 400) -> datetime:
    """Return a time in the near future, by Redis's clock."""
    return datetime.fromtimestamp((await redis_ms(newsroom.redis) + ms) / 1000, UTC)


def decision(kind: Decision, receipt: Receipt, **fields: Any) -> DecisionRequest:
    assert receipt.held is not None
    return DecisionRequest(key=secrets.token_hex(4), decision=kind, held=receipt.held, **fields)


async def until_on_air(newsroom: DeskHarness, count: int = 1) -> None:
    async def is_there() -> bool:
        return len(await newsroom.entries()) >= count

    await eventually(is_there, f"{count} entries are on air")


# Schedules


async def test_a_scheduled_line_is_published_at_its_time_with_the_id_of_the_held_item(
    newsroom: DeskHarness,
) -> None:
    async with newsroom.desk():
        due = await soon(newsroom)
        told = await newsroom.ask("ann", new("k1", publish_at=due))
        assert (told.status, told.due_at, told.position) == (ReceiptStatus.HELD, due, None)
        assert await newsroom.entries() == []
        await until_on_air(newsroom)
        assert await redis_ms(newsroom.redis) >= due.timestamp() * 1000
    (entry,) = await newsroom.entries()
    first, second = await newsroom.receipts_for("ann", "k1")
    assert (entry.line.id, entry.editor, entry.key, entry.due_at) == (told.held, "ann", "k1", due)
    assert (first, second.status, second.id, second.version) == (told, ReceiptStatus.ON_AIR, told.held, 1)
    assert await newsroom.held() == []


async def test_a_fast_desk_clock_publishes_nothing_early(
    newsroom: DeskHarness,
) -> None:
    ahead: Callable[[], datetime] = lambda: datetime.now(UTC) + timedelta(hours=2)  # noqa: E731
    async with newsroom.desk(clock=ahead) as state:
        embargo = await soon(newsroom)
        told = await newsroom.ask("ann", new("k1", embargo_until=embargo))
        assert told.status is ReceiptStatus.HELD
        await until_on_air(newsroom)
        assert await redis_ms(newsroom.redis) >= embargo.timestamp() * 1000
        assert state.errors == 0


async def test_an_embargo_that_has_ended_delays_nothing(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        past = datetime.now(UTC) - timedelta(hours=1)
        assert (await newsroom.ask("ann", new("k1", embargo_until=past))).status is ReceiptStatus.ON_AIR


async def test_a_held_item_is_published_by_the_next_desk(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        await newsroom.ask("ann", new("k1", publish_at=await soon(newsroom)))
    async with newsroom.desk():
        await until_on_air(newsroom)


async def test_two_desks_publish_each_held_item_once(newsroom: DeskHarness) -> None:
    async with AsyncExitStack() as desks:
        for _ in range(2):
            await desks.enter_async_context(newsroom.desk())
        due = await soon(newsroom, 2_000)  # submitting 20 takes a while on a busy machine
        for number in range(20):
            await newsroom.submit("ann", new(f"k{number}", publish_at=due))
        await until_on_air(newsroom, 20)
        await newsroom.ask("bob", new("last"))
    entries = await newsroom.entries()
    assert sorted(entry.key for entry in entries) == sorted([*(f"k{number}" for number in range(20)), "last"])
    await verify_log(newsroom.redis, "en")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_desk_interrupted_at_any_step_publishes_and_decides_once(redis_url: str, after: bool) -> None:
    for at in range(1, 16):
        newsroom = DeskHarness(redis_url, f"e{at}", like=CAREFUL)
        await newsroom.set_roles(ann=Role.EDITOR, bob=Role.EDITOR)
        await newsroom.submit("ann", new("k0", publish_at=await soon(newsroom, 100)))
        await newsroom.submit("ann", new("k1", urgency=1))
        async with newsroom.desk(FailingConnector(redis_url, at, after=after, error=RedisConnectionError("lost"))):
            await newsroom.settled("ann")
            flash = (await newsroom.receipts_for("ann", "k1"))[0]
            await newsroom.submit("bob", decision(Decision.APPROVE, flash))
            await until_on_air(newsroom, 2)
            await newsroom.settled("bob")
        assert sorted(entry.key for entry in await newsroom.entries()) == ["k0", "k1"]
        scheduled = [told.status for told in await newsroom.receipts_for("ann", "k0")]
        assert scheduled in (
            [ReceiptStatus.HELD, ReceiptStatus.ON_AIR],
            [ReceiptStatus.ON_AIR],
        )  # the line may be due before the desk starts
        assert [told.status for told in await newsroom.receipts_for("ann", "k1")] == [
            ReceiptStatus.HELD,
            ReceiptStatus.ON_AIR,
        ]
        assert await newsroom.held() == []
        await newsroom.aclose()


async def test_an_overdue_item_waits_for_a_person(redis_url: str) -> None:
    newsroom = DeskHarness(redis_url, overdue_after_s=0.1)
    async with newsroom.desk():
        told = await newsroom.ask("ann", new("k1", publish_at=await soon(newsroom)))

    async def is_long_past() -> bool:
        assert told.due_at is not None
        return await redis_ms(newsroom.redis) > told.due_at.timestamp() * 1000 + 200

    await eventually(is_long_past, "its time has passed")
    async with newsroom.desk():

        async def is_overdue() -> bool:
            return any(held.overdue for held in await newsroom.held())

        await eventually(is_overdue, "it is overdue")
        assert await newsroom.entries() == []
        overdue = (await newsroom.receipts_for("ann", "k1"))[-1]
        assert (overdue.status, [need.code for need in overdue.needs]) == (ReceiptStatus.HELD, ["overdue"])
        published = await newsroom.ask("ann", decision(Decision.APPROVE, overdue))
    assert published.status is ReceiptStatus.ON_AIR
    (entry,) = await newsroom.entries()
    assert (entry.key, entry.approved_by) == ("k1", None)
    await newsroom.aclose()


async def test_a_held_change_that_became_stale_is_refused_with_a_receipt_for_its_author(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        line = await newsroom.ask("ann", new("k1"))
        change = Submission(
            key="k2", change=Change.UPDATE, id=line.id, version=1, text="Two", publish_at=await soon(newsroom)
        )
        await newsroom.ask("ann", change)
        await newsroom.ask("bob", Submission(key="k3", change=Change.WITHDRAW, id=line.id, reason="Wrong"))

        async def is_answered() -> bool:
            return len(await newsroom.receipts_for("ann", "k2")) == 2

        await eventually(is_answered, "the author has the receipt")
    told = (await newsroom.receipts_for("ann", "k2"))[-1]
    assert (told.status, told.errors[0].code) == (ReceiptStatus.REFUSED, "stale")
    assert lines_of(await newsroom.entries())[-1] == ""
    assert await newsroom.held() == []


async def test_a_scheduled_line_of_a_removed_editor_waits_for_a_second_person(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        told = await newsroom.ask("eve", new("k1", publish_at=await soon(newsroom)))
        await unregister(newsroom.redis, "en", "eve")

        async def waits() -> bool:
            return any(held.waits_for_person for held in await newsroom.held())

        await eventually(waits, "it waits for a second person")
        assert not await newsroom.entries()
        (held,) = await newsroom.held()
        assert [need.code for need in held.needs] == ["removed"]
        assert (await newsroom.ask("bob", decision(Decision.APPROVE, told))).status is ReceiptStatus.ON_AIR


async def test_a_scheduled_line_keeps_the_reason_for_its_break_glass(careful: DeskHarness) -> None:
    async with careful.desk():
        glass = new("k1", urgency=1, publish_at=await soon(careful, 200), break_glass="Nobody is here")
        assert (await careful.ask("cleo", glass)).status is ReceiptStatus.HELD
        await until_on_air(careful)
    (entry,) = await careful.entries()
    assert (entry.break_glass, entry.overridden) == ("Nobody is here", ("flash",))


@pytest.mark.parametrize("hours", [-2, 2])
async def test_the_length_of_an_undo_window_does_not_depend_on_the_desks_clock(
    newsroom: DeskHarness, hours: int
) -> None:
    async with newsroom.desk(clock=lambda: datetime.now(UTC) + timedelta(hours=hours)):
        told = await newsroom.ask("ann", new("k1", undo_s=60.0))
    assert told.due_at is not None
    left_s = told.due_at.timestamp() - await redis_ms(newsroom.redis) / 1000
    assert 30 < left_s <= 60


async def test_a_submission_above_the_limit_of_held_items_is_refused(redis_url: str) -> None:
    newsroom = DeskHarness(redis_url, held=2)
    async with newsroom.desk():
        due = await soon(newsroom, 60_000)
        for number in range(3):
            await newsroom.submit("ann", new(f"k{number}", publish_at=due))
        receipts = await newsroom.settled("ann")
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.HELD, ReceiptStatus.HELD, ReceiptStatus.REFUSED]
    assert receipts[-1].errors[0].code == "held"
    await newsroom.aclose()


async def test_a_repeated_key_gets_the_receipt_of_the_held_item_and_later_of_the_line(
    newsroom: DeskHarness,
) -> None:
    async with newsroom.desk():
        due = await soon(newsroom)
        first = await newsroom.ask("ann", new("k1", publish_at=due))
        assert await newsroom.ask("ann", new("k1", publish_at=due)) == first
        await until_on_air(newsroom)
        on_air = await newsroom.ask("ann", new("k1", publish_at=due))
    assert on_air.status is ReceiptStatus.ON_AIR
    async with newsroom.desk():
        assert (await newsroom.ask("ann", new("k1"))).position == on_air.position
    assert len(await newsroom.entries()) == 1


async def test_a_scheduled_line_that_became_a_duplicate_waits_for_a_second_person(redis_url: str) -> None:
    rules = {**ENGLISH.rules, "duplicate": Effect.REVIEW}
    newsroom = DeskHarness(redis_url, like=msgspec.structs.replace(ENGLISH, rules=rules))
    async with newsroom.desk():
        told = await newsroom.ask("ann", new("k1", publish_at=await soon(newsroom)))
        assert (await newsroom.ask("bob", new("k2"))).status is ReceiptStatus.ON_AIR

        async def waits() -> bool:
            return any(held.waits_for_person for held in await newsroom.held())

        await eventually(waits, "it waits for a second person")
        assert len(await newsroom.entries()) == 1
        again = (await newsroom.receipts_for("ann", "k1"))[-1]
        assert (again.status, [need.code for need in again.needs]) == (ReceiptStatus.HELD, ["duplicate"])
        assert (await newsroom.ask("bob", decision(Decision.APPROVE, told))).status is ReceiptStatus.ON_AIR
    assert (await newsroom.entries())[-1].approved_by == "bob"
    await newsroom.aclose()


# Undo


async def test_a_line_cancelled_in_its_undo_window_is_never_published(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        told = await newsroom.ask("ann", new("k1", undo_s=300))
        taken_back = await newsroom.ask("ann", decision(Decision.CANCEL, told))
    assert (told.status, taken_back.status, taken_back.decided_by) == (ReceiptStatus.HELD, ReceiptStatus.DROPPED, "ann")
    assert [receipt.status for receipt in await newsroom.receipts_for("ann", "k1")] == [
        ReceiptStatus.HELD,
        ReceiptStatus.DROPPED,
    ]
    assert not await newsroom.entries()
    assert not await newsroom.held()


async def test_the_undo_window_of_an_edition_delays_neither_a_flash_nor_a_withdrawal(redis_url: str) -> None:
    newsroom = DeskHarness(redis_url, like=msgspec.structs.replace(ENGLISH, undo_s=300.0))
    async with newsroom.desk():
        plain = await newsroom.ask("ann", new("k1"))
        flash = await newsroom.ask("ann", new("k2", urgency=1))
        withdrawn = await newsroom.ask("ann", Submission(key="k3", change=Change.WITHDRAW, id=flash.id, reason="Wrong"))
    assert [each.status for each in (plain, flash, withdrawn)] == [
        ReceiptStatus.HELD,
        ReceiptStatus.ON_AIR,
        ReceiptStatus.ON_AIR,
    ]
    await newsroom.aclose()


# Second persons


async def test_an_approved_flash_is_published_in_its_authors_name(careful: DeskHarness) -> None:
    async with careful.desk():
        told = await careful.ask("ann", new("k1", urgency=1))
        assert (told.status, [need.code for need in told.needs], told.due_at) == (ReceiptStatus.HELD, ["flash"], None)
        assert await careful.entries() == []
        approved = await careful.ask("bob", decision(Decision.APPROVE, told))
    (entry,) = await careful.entries()
    assert (approved.status, approved.decided_by, approved.id) == (ReceiptStatus.ON_AIR, "bob", told.held)
    assert (entry.editor, entry.approved_by, entry.key) == ("ann", "bob", "k1")
    on_air = (await careful.receipts_for("ann", "k1"))[-1]
    assert (on_air.status, on_air.decided_by, on_air.position) == (ReceiptStatus.ON_AIR, "bob", approved.position)


@pytest.mark.parametrize(("editor", "code"), [("ann", "second-person"), ("rana", "role"), ("stranger", None)], ids=str)
async def test_only_another_editor_may_approve(careful: DeskHarness, editor: str, code: str | None) -> None:
    async with careful.desk():
        told = await careful.ask("ann", new("k1", urgency=1))
        decided = await careful.ask(editor, decision(Decision.APPROVE, told))
    assert [finding.code for finding in decided.errors] == ([] if code is None else [code])
    assert len(await careful.entries()) == (code is None)


async def test_a_chief_breaks_the_glass_and_the_log_has_the_reason(careful: DeskHarness) -> None:
    async with careful.desk() as state:
        refused = await careful.ask("ann", new("k1", urgency=1, break_glass="No time"))
        receipt = await careful.ask("cleo", new("k2", urgency=1, break_glass="Tsunami: no one else is here"))

        async def is_counted() -> bool:
            return state.break_glass == 1

        await eventually(is_counted, "it is counted")
    assert (refused.status, refused.errors[0].code) == (ReceiptStatus.REFUSED, "break-glass")
    (entry,) = await careful.entries()
    assert receipt.status is ReceiptStatus.ON_AIR
    assert (entry.break_glass, entry.overridden) == ("Tsunami: no one else is here", ("flash",))


async def test_a_chief_breaks_the_glass_for_a_held_item(careful: DeskHarness) -> None:
    async with careful.desk():
        told = await careful.ask("cleo", new("k1", urgency=1))
        own = await careful.ask("cleo", decision(Decision.APPROVE, told))
        broken = await careful.ask("cleo", decision(Decision.APPROVE, told, break_glass="Nobody answers"))
    assert (told.status, own.errors[0].code, broken.status) == (
        ReceiptStatus.HELD,
        "second-person",
        ReceiptStatus.ON_AIR,
    )
    (entry,) = await careful.entries()
    assert (entry.break_glass, entry.approved_by, entry.overridden) == ("Nobody answers", None, ("flash",))


async def test_every_submission_of_a_reporter_is_held(careful: DeskHarness) -> None:
    async with careful.desk():
        told = await careful.ask("rana", new("k1"))
        assert [need.code for need in told.needs] == ["reporter"]
        rejected = await careful.ask("bob", decision(Decision.REJECT, told, reason="Not confirmed"))
    told_author = (await careful.receipts_for("rana", "k1"))[-1]
    assert rejected.status is ReceiptStatus.DROPPED
    assert (told_author.status, told_author.decided_by, told_author.reason) == (
        ReceiptStatus.DROPPED,
        "bob",
        "Not confirmed",
    )
    assert not await careful.entries()
    assert not await careful.held()


async def test_only_the_withdrawal_of_another_editors_line_is_held(careful: DeskHarness) -> None:
    async with careful.desk():
        first, second = [await careful.ask("ann", new(f"k{number}", f"Line {number}")) for number in range(2)]
        update = Submission(key="k3", change=Change.UPDATE, id=first.id, text="Line 0, changed")
        await careful.ask("bob", update)
        others = await careful.ask("bob", Submission(key="k4", change=Change.WITHDRAW, id=first.id, reason="Wrong"))
        own = await careful.ask("ann", Submission(key="k5", change=Change.WITHDRAW, id=second.id, reason="Wrong"))
        assert (others.status, [need.code for need in others.needs]) == (ReceiptStatus.HELD, ["withdrawal"])
        approved = await careful.ask("ann", decision(Decision.APPROVE, others))
    assert (own.status, approved.status) == (ReceiptStatus.ON_AIR, ReceiptStatus.ON_AIR)
    assert lines_of(await careful.entries())[-1] == ""


async def test_an_approved_item_still_waits_for_its_time(careful: DeskHarness) -> None:
    async with careful.desk():
        due = await soon(careful)
        told = await careful.ask("ann", new("k1", urgency=1, publish_at=due))
        approved = await careful.ask("bob", decision(Decision.APPROVE, told))
        assert (approved.status, approved.due_at, approved.needs) == (ReceiptStatus.HELD, due, ())
        await until_on_air(careful)
        assert await redis_ms(careful.redis) >= due.timestamp() * 1000
    (entry,) = await careful.entries()
    assert (entry.approved_by, entry.due_at) == ("bob", due)


async def test_an_item_without_approval_stays_held_at_its_time(careful: DeskHarness) -> None:
    async with careful.desk():
        told = await careful.ask("ann", new("k1", urgency=1, publish_at=await soon(careful, 100)))
        await careful.ask("bob", new("k2", publish_at=await soon(careful, 300)))
        await until_on_air(careful)
        assert [held.id for held in await careful.held()] == [told.held]


async def test_a_decision_on_an_unknown_item_is_refused(careful: DeskHarness) -> None:
    async with careful.desk():
        told = await careful.ask("ann", new("k1", urgency=1))
        approval = decision(Decision.APPROVE, told)
        first = await careful.ask("bob", approval)
        again = await careful.ask("bob", approval)
        twice = await careful.ask("bob", decision(Decision.APPROVE, told))
    assert first == again
    assert (twice.status, twice.errors[0].code) == (ReceiptStatus.REFUSED, "unknown")
    assert len(await careful.entries()) == 1


async def test_a_change_of_role_applies_to_the_next_request(careful: DeskHarness) -> None:
    async with careful.desk():
        told = await careful.ask("ann", new("k1", urgency=1))
        assert (await careful.ask("rana", decision(Decision.APPROVE, told))).status is ReceiptStatus.REFUSED
        await careful.set_roles(rana=Role.EDITOR)

        async def is_allowed() -> bool:
            return (await careful.ask("rana", decision(Decision.APPROVE, told))).status is ReceiptStatus.ON_AIR

        await eventually(is_allowed, "the desk has the new role")


async def test_a_held_item_of_another_version_is_left_alone(newsroom: DeskHarness) -> None:
    held = Held(id="one", editor="ann", submission=new("k1"), submitted_at=datetime.now(UTC))
    await newsroom.redis.hset(newsroom.keys.held, "odd", b'{"of":"another version"}')
    await newsroom.redis.hset(newsroom.keys.held, "two", msgspec.json.encode(held))
    async with newsroom.desk() as state:
        assert (await newsroom.ask("ann", new("k2"))).status is ReceiptStatus.ON_AIR
        assert state.errors == 0
    assert await read_held(newsroom.redis, "en") == {}
    assert await newsroom.redis.hlen(newsroom.keys.held) == 2


async def test_a_submission_with_a_huge_note_is_too_big(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        await newsroom.submit_raw("ann", encode_request(new("k1", note="n" * 10_000)))
        (receipt,) = await newsroom.settled("ann")
    assert receipt.errors == (Finding("too-big", receipt.errors[0].detail),)


async def test_a_removed_role_does_not_apply_to_a_request_at_the_same_moment(careful: DeskHarness) -> None:
    async with careful.desk():
        await careful.ask("cleo", new("k1"))  # now the desk waits, and will read everything below in one reply
        asked = new("k2", "Ceasefire ends", urgency=1, break_glass="I am still the chief")
        script = """
            redis.call('HSET', KEYS[1], 'cleo', 'reporter')
            redis.call('XADD', KEYS[2], 'MAXLEN', 1, '*', 'editor', 'cleo')
            redis.call('XADD', KEYS[3], '*', 'submission', ARGV[1])
        """
        keys = (careful.keys.editors, careful.keys.bell, careful.keys.inbox("cleo"))
        await careful.redis.eval(script, len(keys), *keys, encode_request(asked).decode())
        receipts = await careful.settled("cleo")
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.ON_AIR, ReceiptStatus.REFUSED]
    assert [error.code for error in receipts[-1].errors] == ["break-glass"]
