"""Second persons: a desk holds submissions that need one, and publishes them once they are approved."""

from __future__ import annotations

import pytest

from tests.support.desk_harness import DeskHarness, decision, lines_of, new, soon, until_on_air
from tests.support.waiting import eventually
from ticker.core.edition import Role
from ticker.core.line import Change
from ticker.core.submission import (
    Decision,
    ReceiptStatus,
    Submission,
    encode_request,
)
from ticker.store.streams import redis_ms


async def test_an_approved_flash_is_published_in_its_authors_name(careful: DeskHarness) -> None:
    async with careful.desk():
        receipt = await careful.ask("ann", new("k1", urgency=1))
        assert (receipt.status, [need.code for need in receipt.needs], receipt.due_at) == (
            ReceiptStatus.HELD,
            ["flash"],
            None,
        )
        assert await careful.entries() == []
        approved = await careful.approve("bob", receipt)
    (entry,) = await careful.entries()
    assert (approved.status, approved.decided_by, approved.id) == (ReceiptStatus.ON_AIR, "bob", receipt.held)
    assert (entry.editor, entry.approved_by, entry.key) == ("ann", "bob", "k1")
    on_air = (await careful.receipts_for("ann", "k1"))[-1]
    assert (on_air.status, on_air.decided_by, on_air.position) == (ReceiptStatus.ON_AIR, "bob", approved.position)


@pytest.mark.parametrize(("editor", "code"), [("ann", "second-person"), ("rana", "role"), ("stranger", None)], ids=str)
async def test_only_another_editor_may_approve(careful: DeskHarness, editor: str, code: str | None) -> None:
    async with careful.desk():
        receipt = await careful.ask("ann", new("k1", urgency=1))
        decided = await careful.approve(editor, receipt)
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
        receipt = await careful.ask("cleo", new("k1", urgency=1))
        own = await careful.approve("cleo", receipt)
        broken = await careful.approve("cleo", receipt, break_glass="Nobody answers")
    assert (receipt.status, own.errors[0].code, broken.status) == (
        ReceiptStatus.HELD,
        "second-person",
        ReceiptStatus.ON_AIR,
    )
    (entry,) = await careful.entries()
    assert (entry.break_glass, entry.approved_by, entry.overridden) == ("Nobody answers", None, ("flash",))


async def test_every_submission_of_a_reporter_is_held(careful: DeskHarness) -> None:
    async with careful.desk():
        receipt = await careful.ask("rana", new("k1"))
        assert [need.code for need in receipt.needs] == ["reporter"]
        rejected = await careful.ask("bob", decision(Decision.REJECT, receipt, reason="Not confirmed"))
    author_receipt = (await careful.receipts_for("rana", "k1"))[-1]
    assert rejected.status is ReceiptStatus.DROPPED
    assert (author_receipt.status, author_receipt.decided_by, author_receipt.reason) == (
        ReceiptStatus.DROPPED,
        "bob",
        "Not confirmed",
    )
    assert receipt.text is None
    assert author_receipt.text == rejected.text == new("k1").text
    assert not await careful.entries()
    assert not await careful.held()


async def test_only_the_withdrawal_of_another_editors_line_is_held(careful: DeskHarness) -> None:
    async with careful.desk():
        first, second = [await careful.ask("ann", new(f"k{number}", f"Line {number}")) for number in range(2)]
        update = Submission(key="k3", change=Change.UPDATE, id=first.id, text="Line 0, changed")
        await careful.ask("bob", update)
        withdrawal_of_another = await careful.ask(
            "bob", Submission(key="k4", change=Change.WITHDRAW, id=first.id, reason="Wrong")
        )
        own = await careful.ask("ann", Submission(key="k5", change=Change.WITHDRAW, id=second.id, reason="Wrong"))
        assert (withdrawal_of_another.status, [need.code for need in withdrawal_of_another.needs]) == (
            ReceiptStatus.HELD,
            ["withdrawal"],
        )
        approved = await careful.approve("ann", withdrawal_of_another)
    assert (own.status, approved.status) == (ReceiptStatus.ON_AIR, ReceiptStatus.ON_AIR)
    assert lines_of(await careful.entries())[-1] == ""


async def test_an_approved_item_still_waits_for_its_time(careful: DeskHarness) -> None:
    async with careful.desk():
        due = await soon(careful)
        receipt = await careful.ask("ann", new("k1", urgency=1, publish_at=due))
        approved = await careful.approve("bob", receipt)
        assert (approved.status, approved.due_at, approved.needs) == (ReceiptStatus.HELD, due, ())
        await until_on_air(careful)
        assert await redis_ms(careful.redis) >= due.timestamp() * 1000
    (entry,) = await careful.entries()
    assert (entry.approved_by, entry.due_at) == ("bob", due)


async def test_an_item_without_approval_stays_held_at_its_time(careful: DeskHarness) -> None:
    async with careful.desk():
        receipt = await careful.ask("ann", new("k1", urgency=1, publish_at=await soon(careful, 100)))
        await careful.ask("bob", new("k2", publish_at=await soon(careful)))
        await until_on_air(careful)
        assert [held.id for held in await careful.held()] == [receipt.held]


async def test_a_decision_on_an_unknown_item_is_refused(careful: DeskHarness) -> None:
    async with careful.desk():
        receipt = await careful.ask("ann", new("k1", urgency=1))
        approval = await careful.approval(receipt)
        first = await careful.ask("bob", approval)
        again = await careful.ask("bob", approval)
        twice = await careful.approve("bob", receipt)
    assert first == again
    assert (twice.status, twice.errors[0].code) == (ReceiptStatus.REFUSED, "unknown")
    assert len(await careful.entries()) == 1


async def test_a_change_of_role_applies_to_the_next_request(careful: DeskHarness) -> None:
    async with careful.desk():
        receipt = await careful.ask("ann", new("k1", urgency=1))
        assert (await careful.approve("rana", receipt)).status is ReceiptStatus.REFUSED
        await careful.set_roles(rana=Role.EDITOR)

        async def is_allowed() -> bool:
            return (await careful.approve("rana", receipt)).status is ReceiptStatus.ON_AIR

        await eventually(is_allowed, "the desk has the new role")


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


async def test_neither_a_scheduled_nor_an_approved_change_gets_past_the_second_person(careful: DeskHarness) -> None:
    async with careful.desk():
        line = await careful.ask("ann", new("k1", "Palace: The king is well"))
        due = await soon(careful, 3_000)  # later than the five requests below
        await careful.ask(
            "ann", Submission(key="k2", change=Change.UPDATE, id=line.id, text="The king is dead", publish_at=due)
        )
        first = await careful.ask("ann", Submission(key="k3", change=Change.UPDATE, id=line.id, urgency=1))
        await careful.approve("bob", first)
        second = await careful.ask(
            "ann", Submission(key="k4", change=Change.UPDATE, id=line.id, urgency=1, coverage="palace")
        )
        assert second.status is ReceiptStatus.HELD
        await careful.ask("ann", Submission(key="k5", change=Change.REFILE, id=line.id, urgency=4))
        await careful.ask("ann", Submission(key="k6", change=Change.UPDATE, id=line.id, text="The king has abdicated"))
        approved = await careful.approve("bob", second)

        async def is_answered() -> bool:
            return len(await careful.receipts_for("ann", "k2")) == 2

        await eventually(is_answered, "the scheduled change is settled")
    assert [error.code for error in approved.errors] == ["stale"]
    assert [error.code for error in (await careful.receipts_for("ann", "k2"))[-1].errors] == ["stale"]
    flashes = [entry.line.text for entry in await careful.entries() if entry.line.urgency == 1]
    assert flashes == ["The king is well"]


async def test_a_scheduled_line_of_an_editor_who_became_a_reporter_waits_for_a_second_person(
    careful: DeskHarness,
) -> None:
    async with careful.desk():
        receipt = await careful.ask("ann", new("k1", publish_at=await soon(careful)))
        await careful.set_roles(ann=Role.REPORTER)

        async def waits() -> bool:
            return any(held.waits_for_person for held in await careful.held())

        await eventually(waits, "it waits for a second person")
        assert not await careful.entries()
        assert (await careful.approve("bob", receipt)).status is ReceiptStatus.ON_AIR
