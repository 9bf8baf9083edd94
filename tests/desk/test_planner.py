"""Planning, without Redis: the outcome of a batch of requests and of held items that are due."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.support.desk_harness import new
from tests.support.planning import LATER, NOW_MS, context_at, hold, ledger, pending, receipts
from tests.support.strategies import NONCE, START
from ticker.core.edition import Effect, Role
from ticker.core.entry import encode_entry
from ticker.core.errors import LinkError
from ticker.core.held import content_mark
from ticker.core.line import Change
from ticker.core.position import next_link
from ticker.core.submission import (
    Decision,
    DecisionRequest,
    ReceiptStatus,
    Submission,
)
from ticker.desk.plan import PendingRequest
from ticker.desk.planner import next_due, plan_due, plan_requests
from ticker.store.append import Head


def test_a_published_request_is_linked_to_the_head() -> None:
    (planned,) = plan_requests(ledger(), pending(("ann", new("k1"))), context_at())
    assert planned.entry is not None
    assert planned.logged is not None
    assert planned.entry.link == next_link(NONCE, encode_entry(planned.logged.entry))
    assert (planned.logged.seq, planned.status) == (1, ReceiptStatus.ON_AIR)
    assert planned.deadline_at_ms == NOW_MS + 30_000


def test_planning_does_not_change_the_ledger() -> None:
    unchanged = ledger()
    plan_requests(unchanged, pending(("ann", new("k1")), ("bob", new("k2", "Later", publish_at=LATER))), context_at())
    assert unchanged.head == Head(0, NONCE)
    assert (unchanged.cursors, len(unchanged.held), len(unchanged.board)) == ({}, 0, 0)


def test_a_request_sees_the_requests_before_it_in_the_batch() -> None:
    update = Submission(key="k2", change=Change.UPDATE, id="id-1", version=1, text="More")
    first, second = plan_requests(ledger(), pending(("ann", new("k1")), ("ann", update)), context_at())
    assert first.logged is not None
    assert second.logged is not None
    assert (second.logged.entry.line.id, second.logged.entry.line.version) == ("id-1", 2)
    assert second.logged.link == next_link(first.logged.link, encode_entry(second.logged.entry))
    assert second.cursor == first.submission


def test_a_duplicate_of_a_line_in_the_same_batch_is_refused() -> None:
    known = ledger()
    known.edition = msgspec.structs.replace(known.edition, rules={**known.edition.rules, "duplicate": Effect.REFUSE})
    first, second = plan_requests(known, pending(("ann", new("k1")), ("bob", new("k2"))), context_at())
    assert first.status is ReceiptStatus.ON_AIR
    assert (second.status, second.refused) == (ReceiptStatus.REFUSED, ("duplicate",))


def test_a_repeated_key_in_a_batch_gets_the_same_bytes_and_no_entry() -> None:
    first, second = plan_requests(ledger(), pending(("ann", new("k1")), ("ann", new("k1"))), context_at())
    assert (second.is_repeat, second.entry, second.receipt) == (True, None, first.receipt)


def test_a_request_for_a_damaged_log_is_refused_at_once_with_the_cause_and_the_command() -> None:
    broken = ledger()
    broken.fault = LinkError(3, "entry 3 doesn't link to the one before it")
    late = pending(("bob", new("k2")), at_ms=NOW_MS - 60_000)
    decision = DecisionRequest(key="k3", decision=Decision.CANCEL, held="h1")
    planned = plan_requests(broken, [*pending(("ann", new("k1")), ("ann", decision)), *late], context_at())
    assert [receipt.status for receipt in receipts(planned)] == [
        *(ReceiptStatus.REFUSED, ReceiptStatus.REFUSED, ReceiptStatus.LATE)
    ]
    codes = [[error.code for error in receipt.errors] for receipt in receipts(planned)]
    assert codes == [["log"], ["log"], ["late", "log"]]
    detail = receipts(planned)[0].errors[0].detail
    assert "entry 3 doesn't link" in detail
    assert "`ticker repair en`" in detail


def test_a_key_that_was_refused_for_a_damaged_log_counts_as_new_afterwards() -> None:
    edition = ledger()
    edition.fault = LinkError(3, "entry 3 doesn't link to the one before it")
    (planned,) = plan_requests(edition, pending(("ann", new("k1"))), context_at())
    planned.apply_to(edition)
    edition.fault = None
    (again,) = plan_requests(edition, pending(("ann", new("k1")), at_ms=NOW_MS + 1), context_at())
    assert (again.status, again.is_repeat) == (ReceiptStatus.ON_AIR, False)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (new("k1", deadline_s=10), ReceiptStatus.LATE),
        (new("k1", deadline_s=21), ReceiptStatus.ON_AIR),
        (new("k1", deadline_s=3600, deadline_at_ms=NOW_MS - 1), ReceiptStatus.LATE),
        (new("k1", deadline_s=3600, deadline_at_ms=NOW_MS), ReceiptStatus.ON_AIR),
    ],
)
def test_a_request_after_its_deadline_is_late(request_: Submission, status: ReceiptStatus) -> None:
    (planned,) = plan_requests(ledger(), pending(("ann", request_), at_ms=NOW_MS - 20_000), context_at())
    assert planned.status is status


def test_a_request_ahead_of_rediss_clock_is_late() -> None:
    (request,) = pending(("ann", new("k1")))
    (planned,) = plan_requests(ledger(), [request.seen_at(0)], context_at())
    assert (planned.is_ahead, planned.entry) == (True, None)
    assert [error.code for error in receipts([planned])[0].errors] == ["clock"]


def test_an_unreadable_request_is_refused_under_its_key() -> None:
    request = PendingRequest("ann", f"{NOW_MS}-0", b'{"key":"k1","change":"explode"}')
    (planned,) = plan_requests(ledger(), [request], context_at())
    assert (planned.status, planned.refused) == (ReceiptStatus.REFUSED, ("malformed",))
    assert planned.answers[0].key == "k1"


def test_an_exception_in_the_rules_refuses_the_request() -> None:
    def fail() -> str:
        raise ZeroDivisionError

    (planned,) = plan_requests(ledger(), pending(("ann", new("k1"))), context_at(new_id=fail))
    assert isinstance(planned.failure, ZeroDivisionError)
    assert (planned.status, planned.refused) == (ReceiptStatus.REFUSED, ("internal",))


def test_held_items_of_the_batch_count_towards_the_limit() -> None:
    requests = pending(*(("ann", new(f"k{n}", f"Line {n}", publish_at=LATER)) for n in range(3)))
    planned = plan_requests(ledger(), requests, context_at(held_per_editor=2))
    assert [each.status for each in planned] == [ReceiptStatus.HELD, ReceiptStatus.HELD, ReceiptStatus.REFUSED]


def test_an_approval_answers_the_editor_and_the_author() -> None:
    edition = ledger(bob=Role.EDITOR)
    held = hold(edition, overdue=True)
    request = DecisionRequest(key="d1", decision=Decision.APPROVE, held=held.id, seen=content_mark(held, None))
    (planned,) = plan_requests(edition, pending(("bob", request)), context_at())
    assert [(answer.editor, answer.key) for answer in planned.answers] == [("bob", "d1"), ("ann", "k1")]
    assert planned.held is not None
    assert (planned.held.after, planned.held_after) == (b"", None)
    assert planned.logged is not None
    assert planned.logged.entry.line.id == held.id


def test_a_refused_decision_leaves_the_item_as_it_is() -> None:
    edition = ledger()
    held = hold(edition, due_at=LATER)
    request = DecisionRequest(key="d1", decision=Decision.REJECT, held=held.id, reason="No")
    (planned,) = plan_requests(edition, pending(("ann", request)), context_at())
    assert (planned.status, planned.held, len(planned.answers)) == (ReceiptStatus.REFUSED, None, 1)


def test_due_items_are_published_earliest_first() -> None:
    edition = ledger()
    hold(edition, "b", due_at=START - timedelta(seconds=1))
    hold(edition, "a", due_at=START - timedelta(seconds=2))
    hold(edition, "c", due_at=LATER)
    planned = plan_due(edition, context_at(), 10)
    assert [each.held.id for each in planned if each.held is not None] == ["a", "b"]
    assert all(each.request is None and each.cursor == "" for each in planned)


def test_an_item_that_was_due_long_ago_is_held_as_overdue() -> None:
    edition = ledger()
    hold(edition, due_at=START - timedelta(minutes=2))
    (planned,) = plan_due(edition, context_at(), 10)
    assert (planned.status, planned.is_overdue) == (ReceiptStatus.HELD, True)


def test_a_due_item_of_a_removed_editor_needs_a_second_person() -> None:
    edition = ledger()
    hold(edition, editor="eve")
    (planned,) = plan_due(edition, context_at(), 10)
    assert [need.code for need in receipts([planned])[0].needs] == ["removed"]


def test_nothing_is_published_on_a_log_with_a_fault() -> None:
    edition = ledger()
    hold(edition)
    edition.fault = LinkError(3, "entry 3 doesn't link to the one before it")
    assert plan_due(edition, context_at(), 10) == []


def test_the_next_due_time_ignores_items_that_wait_for_a_person() -> None:
    edition = ledger()
    assert next_due(edition) is None
    hold(edition, "a", overdue=True)
    hold(edition, "b", due_at=LATER)
    assert next_due(edition) == LATER
