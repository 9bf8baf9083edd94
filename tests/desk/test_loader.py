"""A refreshed ledger is equal to a ledger that is loaded again."""

from __future__ import annotations

from tests.support.desk_harness import DeskHarness, NewHarness, new
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.desk.ledger import Ledger
from ticker.desk.loader import load_ledger, refresh
from ticker.desk.rates import NO_LIMIT
from ticker.store.editions import load_edition, save_edition
from ticker.store.log_reader import rotate


async def load(harness: DeskHarness) -> Ledger:
    await save_edition(harness.redis, "en", harness.settings.editions["en"], "5e" * 32)
    stored = await load_edition(harness.redis, "en")
    assert stored is not None
    return await load_ledger(harness.redis, stored, 100, 100, NO_LIMIT)


async def test_refresh_adds_the_settlements_of_another_desk(harness: DeskHarness) -> None:
    behind = await load(harness)
    async with harness.desk():
        line = await harness.ask("ann", new("k1"))
        await harness.ask("bob", Submission(key="k1", change=Change.UPDATE, id=line.id, version=9, text="A"))
    assert await refresh(harness.redis, behind)
    whole = await load(harness)
    assert (behind.head, behind.cursors) == (whole.head, whole.cursors)
    assert list(behind.board.newest_first()) == list(whole.board.newest_first())
    for editor, status in (("ann", ReceiptStatus.ON_AIR), ("bob", ReceiptStatus.REFUSED)):
        answer = behind.find_answer(editor, "k1")
        assert answer == whole.find_answer(editor, "k1")
        assert answer is not None
        assert answer.status is status


async def test_refresh_refuses_another_history(harness: DeskHarness) -> None:
    empty = await load(harness)
    async with harness.desk():
        await harness.ask("ann", new("k1"))
    behind = await load(harness)
    await rotate(harness.redis, "en", "ab" * 32)
    assert not await refresh(harness.redis, empty)
    assert not await refresh(harness.redis, behind)


async def test_an_unreadable_receipt_is_ignored(harness: DeskHarness) -> None:
    async with harness.desk():
        await harness.ask("ann", new("k1"))
    await harness.redis.xadd(harness.keys.receipts("ann"), {"receipt": "of a later version"})
    async with harness.desk() as state:
        await harness.submit("ann", new("k2"))
        await harness.submit("bob", new("k2"))
        assert (await harness.settled("bob"))[0].status is ReceiptStatus.ON_AIR
    assert state.errors == 0


async def test_a_receipt_of_the_history_before_a_rotation_does_not_answer_its_key(harness: DeskHarness) -> None:
    async with harness.desk():
        before = await harness.ask("ann", new("k1"))
        await rotate(harness.redis, "en", "ab" * 32)
        after = await harness.ask("ann", new("k1"))
        assert await harness.ask("ann", new("k1")) == after
    async with harness.desk():
        assert await harness.ask("ann", new("k1")) == after
    assert (before.status, after.status) == (ReceiptStatus.ON_AIR, ReceiptStatus.ON_AIR)
    (entry,) = await harness.entries()
    assert (entry.line.id, after.position != before.position) == (after.id, True)


async def test_a_receipt_of_another_history_does_not_answer_its_key_after_the_new_one_was_trimmed(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url, retained=2)
    async with harness.desk():
        before = await harness.ask("ann", new("k1"))
        await rotate(harness.redis, "en", "ab" * 32)
        for number in range(4):
            await harness.ask("bob", new(f"b{number}", f"Line {number}"))
        after = await harness.ask("ann", new("k1"))
    async with harness.desk():
        assert await harness.ask("ann", new("k1")) == after
    assert (before.position or "").startswith("1-")
    assert (after.status, (after.position or "").partition("-")[0]) == (ReceiptStatus.ON_AIR, "5")
    assert before.history != after.history
