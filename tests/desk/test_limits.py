"""The limits of one editor: held items and submissions. Nobody uses up what the others need."""

from __future__ import annotations

from datetime import timedelta

from tests.support.desk_harness import WITH_SECOND_PERSON, NewHarness, decision, new, soon
from tests.support.planning import LATER, context_at, hold, ledger, pending, receipts
from tests.support.strategies import START
from ticker.core.line import Change
from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus, Request, Submission
from ticker.desk.ledger import Ledger
from ticker.desk.limits import HELD_RESERVED
from ticker.desk.planner import plan_requests
from ticker.desk.rates import RateLimit

LIMIT = RateLimit(per_minute=60, burst=2)


def answers(edition: Ledger, *requests: tuple[str, Request], **limits: object) -> list[Receipt]:
    return receipts(plan_requests(edition, pending(*requests), context_at(START, **limits)))


def publish(edition: Ledger, *requests: tuple[str, Request]) -> list[Receipt]:
    planned = plan_requests(edition, pending(*requests), context_at())
    for each in planned:
        each.apply_to(edition)
    return receipts(planned)


def scheduled(count: int, editor: str = "ann") -> list[tuple[str, Request]]:
    return [(editor, new(f"k{number}", f"Line {number}", publish_at=LATER)) for number in range(count)]


def codes(answered: list[Receipt]) -> list[str | None]:
    return [receipt.errors[0].code if receipt.errors else None for receipt in answered]


# Held items


def test_an_editor_at_the_limit_of_held_items_does_not_block_another_one() -> None:
    edition = ledger(WITH_SECOND_PERSON)
    requests = [*scheduled(4), ("bob", new("flash", "Palace: The king has died", urgency=1))]
    answered = answers(edition, *requests, held_per_editor=3)
    assert codes(answered) == [None, None, None, "held", None]
    assert answered[-1].status is ReceiptStatus.HELD


def test_every_editor_may_hold_some_items_in_a_full_edition() -> None:
    edition = ledger()
    for number in range(30):
        hold(edition, f"held-{number}", editor="ann")
    answered = answers(edition, *scheduled(HELD_RESERVED + 1, "bob"), held_max=30, held_per_editor=100)
    assert codes(answered) == [*[None] * HELD_RESERVED, "held"]


def test_the_items_of_a_removed_editor_do_not_count() -> None:
    edition = ledger()
    for number in range(30):
        hold(edition, f"held-{number}", editor="eve")
    answered = answers(edition, *scheduled(HELD_RESERVED + 1), held_max=30, held_per_editor=100)
    assert codes(answered) == [None] * (HELD_RESERVED + 1)


def test_a_cancelled_item_makes_room_in_the_same_batch() -> None:
    edition = ledger()
    held = hold(edition)
    cancel = DecisionRequest(key="d1", decision=Decision.CANCEL, held=held.id)
    answered = answers(edition, *scheduled(1), ("ann", cancel), *scheduled(2), held_per_editor=1)
    assert codes(answered) == ["held", None, "held", None]


async def test_a_refusal_of_a_held_item_does_not_use_up_its_key(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, held_per_editor=1)
    async with harness.desk():
        due = await soon(harness, 60_000)
        first = await harness.ask("ann", new("k1", publish_at=due))
        refused = await harness.ask("ann", new("k2", "Another line", publish_at=due))
        await harness.ask("ann", decision(Decision.CANCEL, first))
        assert (await harness.ask("ann", new("k2", "Another line", publish_at=due))).status is ReceiptStatus.HELD
    assert (refused.status, refused.errors[0].code) == (ReceiptStatus.REFUSED, "held")
    assert "held_per_editor" in refused.errors[0].detail
    assert "--all-mine" in refused.errors[0].detail


# Submissions


def test_an_editor_above_the_rate_is_refused_and_told_when_to_try_again() -> None:
    edition = ledger(rate_limit=LIMIT)
    answered = answers(
        edition, *((name, new(f"k{n}", f"Line {n}")) for n in range(4) for name in ("ann", "bob")[: 3 - n or 1])
    )
    assert codes(answered) == [None, None, None, None, "rate", "rate"]
    assert [receipt.retry_after_s for receipt in answered[-2:]] == [1.0, 1.0]
    detail = answered[-1].errors[0].detail
    assert all(part in detail for part in ("2 changes", "60 per minute", "submissions_burst", "try again in 1 s"))


def test_the_rate_counts_what_is_published_and_not_what_is_refused() -> None:
    edition = ledger(rate_limit=LIMIT)
    publish(edition, *(("ann", new(f"k{number}", " ")) for number in range(5)))
    publish(edition, ("ann", new("a", "One")), ("ann", new("b", "Two")))
    assert codes(answers(edition, ("ann", new("c", "Three")), ("bob", new("d", "Four")))) == ["rate", None]


def test_an_editor_above_the_rate_may_still_take_back_own_lines() -> None:
    edition = ledger(rate_limit=LIMIT)
    first, second, other = publish(
        edition, ("ann", new("a", "One")), ("ann", new("b", "Two")), ("bob", new("c", "Three"))
    )
    changes = (
        Submission(key="w", change=Change.WITHDRAW, id=first.id, reason="Wrong"),
        Submission(key="h", change=Change.HIDE, id=second.id),
        Submission(key="u", change=Change.UNHIDE, id=second.id),
        Submission(key="o", change=Change.WITHDRAW, id=other.id, reason="Wrong"),
    )
    assert codes(answers(edition, *(("ann", change) for change in changes))) == [None, None, "rate", "rate"]


def test_a_decision_is_never_refused_for_the_rate() -> None:
    edition = ledger(rate_limit=LIMIT)
    publish(edition, ("ann", new("a", "One")), ("ann", new("b", "Two")))
    held = hold(edition, due_at=LATER)
    cancel = DecisionRequest(key="d1", decision=Decision.CANCEL, held=held.id)
    assert answers(edition, ("ann", cancel))[0].status is ReceiptStatus.DROPPED


def test_a_key_that_was_refused_for_the_rate_counts_as_new_later() -> None:
    edition = ledger(rate_limit=LIMIT)
    publish(edition, ("ann", new("a", "One")), ("ann", new("b", "Two")), ("ann", new("c", "Three")))
    later = context_at(START + timedelta(minutes=1))
    (planned,) = plan_requests(edition, pending(("ann", new("c", "Three"))), later)
    assert planned.status is ReceiptStatus.ON_AIR


async def test_a_desk_that_was_restarted_knows_the_rate_from_the_log(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, submissions_burst=2, submissions_per_minute=1)
    async with harness.desk():
        for number in range(2):
            assert (await harness.ask("ann", new(f"k{number}", f"Line {number}"))).status is ReceiptStatus.ON_AIR
    async with harness.desk():
        refused = await harness.ask("ann", new("k3", "Line 3"))
        again = await harness.ask("ann", new("k3", "Line 3"))
        assert (await harness.ask("bob", new("k3", "Line 3"))).status is ReceiptStatus.ON_AIR
    assert (refused.errors[0].code, again.errors[0].code) == ("rate", "rate")
    assert refused.retry_after_s is not None
    assert 0 < refused.retry_after_s <= 60
