"""An editor can withdraw every line: one that shows although its entries were trimmed, and one that was forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from tests.support.desk_harness import WITH_SECOND_PERSON, DeskHarness, NewHarness, new
from tests.support.planning import context_at, hold, ledger, pending
from ticker.core.entry import Entry, decode_entry
from ticker.core.line import VERSION_LAST, Change, Status
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.desk.planner import plan_due, plan_requests
from ticker.store.editions import load_edition
from ticker.store.log_reader import read_log, rotate, verify_log

REASON = "It was wrong"


@pytest_asyncio.fixture
async def harness(redis_url: str) -> AsyncIterator[DeskHarness]:
    made = DeskHarness(redis_url, retained=5)
    yield made
    await made.aclose()


def withdraw(line_id: str, **fields: object) -> Submission:
    plain = Submission(key=f"withdraw-{line_id}", change=Change.WITHDRAW, id=line_id, reason=REASON)
    return msgspec.structs.replace(plain, **fields)


async def post(harness: DeskHarness, count: int, prefix: str = "post", **fields: object) -> list[Receipt]:
    requests = (new(f"{prefix}-{number}", f"Line {prefix} {number}", **fields) for number in range(count))
    return [await harness.ask("ann", request) for request in requests]


async def forget_one(harness: DeskHarness) -> str:
    """Publish a line that expires, and lines after it until it is forgotten. Return its id."""
    soon = datetime.now(UTC) + timedelta(seconds=2)
    (posted,) = await post(harness, 1, "old", expires_at=soon)
    assert posted.id is not None
    async with harness.desk(clock=lambda: soon):
        await post(harness, 15, "newer")
    return posted.id


async def last_entry(harness: DeskHarness) -> Entry:
    raw = (await read_log(harness.redis, harness.edition, 0, 1000))[-1]
    return decode_entry(raw.seq, raw.link, raw.data).entry


async def test_a_pinned_line_can_be_withdrawn_after_its_entries_are_trimmed(harness: DeskHarness) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    async with harness.desk():
        (pinned,) = await post(harness, 1, "pinned", pinned_until=until)
        await post(harness, 30)
    assert (await read_log(harness.redis, "en", 0))[0].seq > 1
    assert pinned.id is not None
    async with harness.desk():  # another desk, which loads the trimmed log
        receipt = await harness.ask("ann", withdraw(pinned.id))
    assert (receipt.status, receipt.version) == (ReceiptStatus.ON_AIR, 2)
    line = (await last_entry(harness)).line
    assert (line.id, line.status, line.number, line.correction) == (pinned.id, Status.CANCELED, 1, REASON)


async def test_the_trimmed_log_still_verifies(harness: DeskHarness) -> None:
    async with harness.desk():
        await post(harness, 30)
    verified = await verify_log(harness.redis, "en")
    assert verified.head.seq == 30
    assert verified.first > 1


async def test_a_forgotten_line_is_withdrawn_for_every_reader(harness: DeskHarness) -> None:
    async with harness.desk():
        line_id = await forget_one(harness)
        refused = await harness.ask("ann", withdraw(line_id))
        assert [error.code for error in refused.errors] == ["unknown"]
        assert "--forgotten" in refused.errors[0].detail
        receipt = await harness.ask("ann", withdraw(line_id, key="again", forgotten=True))
        repeated = await harness.ask("ann", withdraw(line_id, key="third", forgotten=True))
    assert receipt.status is ReceiptStatus.ON_AIR
    entry = await last_entry(harness)
    line = entry.line
    assert entry.is_for_everyone
    assert (line.id, line.version, line.status, line.text) == (line_id, VERSION_LAST, Status.CANCELED, "")
    assert line.correction == REASON
    assert not line.shows(line.updated_at)
    assert [error.code for error in repeated.errors] == ["status"]


@pytest.mark.parametrize(
    "submission",
    [
        withdraw("not-an-id", forgotten=True),
        Submission(key="k", change=Change.UPDATE, id="k7m2x9ab3c", text="New text", forgotten=True),
    ],
)
async def test_only_the_withdrawal_of_a_whole_id_is_accepted(harness: DeskHarness, submission: Submission) -> None:
    async with harness.desk():
        receipt = await harness.ask("ann", submission)
    assert [error.code for error in receipt.errors] == ["unknown"]


async def test_a_held_item_can_not_be_withdrawn_as_forgotten(harness: DeskHarness) -> None:
    """Its id becomes that of its line: the withdrawal would hide the line when it is published."""
    later = datetime.now(UTC) + timedelta(hours=1)
    async with harness.desk():
        held = await harness.ask("ann", new("held", publish_at=later))
        assert held.held is not None
        receipt = await harness.ask("ann", withdraw(held.held, forgotten=True))
    assert [error.code for error in receipt.errors] == ["held"]


def test_a_held_line_whose_id_was_withdrawn_as_forgotten_is_not_called_on_air() -> None:
    """A desk that didn't know the item yet has withdrawn its id. Readers ignore the line's first version then."""
    edition, context = ledger(), context_at()
    (withdrawal,) = plan_requests(edition, pending(("ann", withdraw("k7m2x9ab3c", forgotten=True))), context)
    withdrawal.apply_to(edition)
    hold(edition, "k7m2x9ab3c", editor="bob")
    (planned,) = plan_due(edition, context, 1)
    assert (planned.status, planned.refused) == (ReceiptStatus.REFUSED, ("id",))
    planned.apply_to(edition)
    assert len(edition.held) == 0


async def test_the_withdrawal_of_a_forgotten_line_needs_a_second_person(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url, like=WITH_SECOND_PERSON, retained=5)
    async with harness.desk():
        receipt = await harness.ask("ann", withdraw("k7m2x9ab3c", forgotten=True))
        assert [need.code for need in receipt.needs] == ["withdrawal"]
        approved = await harness.approve("bob", receipt)
    assert approved.status is ReceiptStatus.ON_AIR
    entry = await last_entry(harness)
    assert (entry.line.id, entry.line.version, entry.approved_by) == ("k7m2x9ab3c", VERSION_LAST, "bob")


async def test_a_new_history_knows_nothing_of_the_lines_of_the_old_one(harness: DeskHarness) -> None:
    async with harness.desk():
        await post(harness, 20)
    await rotate(harness.redis, "en", "ab" * 32)
    stored = await load_edition(harness.redis, "en")
    assert stored is not None
    async with harness.desk():
        receipts = await post(harness, 20, "second")
    assert [int(str(receipt.position).partition("-")[0]) for receipt in receipts] == list(range(1, 21))
