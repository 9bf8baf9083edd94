"""Pending requests, and the changes of the ledger that follow a settlement."""

from __future__ import annotations

import pytest

from tests.support.desk_harness import new
from tests.support.strategies import ENGLISH, NONCE, START
from ticker.core.held import Held, encode_held
from ticker.core.submission import ReceiptStatus
from ticker.desk.ledger import Answer, Ledger
from ticker.desk.plan import LAST_MS, PendingRequest, PlannedSettlement
from ticker.store.append import AHEAD_MS, HeldChange
from ticker.store.editions import StoredEdition

HELD = Held(id="held-1", editor="ann", submission=new("k1"), submitted_at=START)
ANSWER = Answer("ann", "k1", b"receipt", ReceiptStatus.HELD)


def ledger() -> Ledger:
    return Ledger(StoredEdition("en", ENGLISH, NONCE), 100, 100)


def planned(request: PendingRequest | None, **fields: object) -> PlannedSettlement:
    values: dict[str, object] = {
        "request": request,
        "editor": "ann",
        "cursor": "",
        "submission": "",
        "receipt": ANSWER.receipt,
        "answers": (ANSWER,),
    }
    return PlannedSettlement(**{**values, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(("ahead_ms", "is_ahead"), [(0, False), (AHEAD_MS, False), (AHEAD_MS + 1, True)])
def test_a_request_is_marked_if_its_id_is_ahead_of_rediss_clock(ahead_ms: int, is_ahead: bool) -> None:
    assert PendingRequest("ann", f"{1000 + ahead_ms}-0").seen_at(1000).is_ahead is is_ahead


def test_a_request_that_is_marked_as_ahead_stays_marked() -> None:
    assert PendingRequest("ann", "1000-0", is_ahead=True).seen_at(5000).is_ahead


@pytest.mark.parametrize(
    ("request_", "is_valid"),
    [
        (PendingRequest("ann", "1000-7"), True),
        (PendingRequest("ann", f"{LAST_MS}-0"), True),
        (PendingRequest("ann", f"{LAST_MS + 1}-0"), False),
        (PendingRequest("ann", "1000-7", is_ahead=True), False),
    ],
)
def test_a_request_ahead_of_the_clock_or_after_year_9999_has_no_valid_time(
    request_: PendingRequest, is_valid: bool
) -> None:
    assert request_.has_valid_time is is_valid


def test_a_settled_request_moves_the_cursor_and_answers_its_key() -> None:
    changed = ledger()
    planned(PendingRequest("ann", "1000-0")).apply_to(changed)
    assert changed.cursor("ann") == "1000-0"
    assert changed.find_answer("ann", "k1") == ANSWER


def test_a_held_item_is_added_and_removed() -> None:
    changed, data = ledger(), encode_held(HELD)
    hold = HeldChange(id="held-1", before=b"", after=data, author="ann")
    planned(PendingRequest("ann", "1000-0"), held=hold, held_after=(data, HELD)).apply_to(changed)
    assert changed.held.get("held-1") == (data, HELD)
    drop = HeldChange(id="held-1", before=data, after=b"", author="ann")
    planned(None, held=drop).apply_to(changed)
    assert changed.held.get("held-1") is None
    assert changed.cursor("ann") == "1000-0"
