"""The outbox and the drafts: receipts, undo windows, and idempotency keys."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from publisher_cli.tui.draft import Draft, DraftFields
from publisher_cli.tui.outbox import Drafts, Outbox
from publisher_cli.tui.steps import Send
from tests.support.strategies import START
from ticker.core.line import Change
from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus, Submission

DRAFT = Draft(fields=DraftFields(text="Ferries stop"))
REQUEST = Submission(key="k1", change=Change.NEW, text="Ferries stop")
SENT = Send(edition="en", request=REQUEST, quoted="Ferries stop", draft=DRAFT)


def receipt(status: ReceiptStatus, **fields: object) -> Receipt:
    return Receipt(status=status, edition="en", key="k1", **fields)  # type: ignore[arg-type]


HELD = receipt(ReceiptStatus.HELD, held="h1", due_at=START + timedelta(seconds=5))


def test_request_waits_until_it_has_a_receipt() -> None:
    outbox = Outbox()
    outbox.add(SENT, START)
    assert outbox.waits_for("k1")
    assert outbox.is_draft_waiting
    assert outbox.waited_s(START + timedelta(seconds=3)) == 3.0
    outbox.settle(SENT, receipt(ReceiptStatus.ON_AIR))
    assert not outbox.is_waiting
    assert outbox.waited_s(START) == 0.0


def test_undo_window_runs_down_and_ends_with_the_receipt_of_its_item() -> None:
    outbox = Outbox()
    outbox.settle(SENT, HELD)
    assert outbox.undo_window(START) == ("h1", 5.0)
    assert outbox.undo_window(START + timedelta(seconds=5)) is None
    outbox.mark_shown(receipt(ReceiptStatus.DROPPED, held="h1"), "", START)
    assert outbox.undo_window(START) is None
    assert outbox.held_request("h1") == SENT


def test_receipt_is_shown_once_per_status() -> None:
    outbox = Outbox()
    outbox.mark_shown(HELD, "", START)
    assert outbox.was_shown(HELD)
    assert not outbox.was_shown(receipt(ReceiptStatus.ON_AIR))


def test_final_receipt_of_an_item_is_shown_once_to_its_author_who_also_decided() -> None:
    outbox = Outbox()
    outbox.mark_shown(msgspec.structs.replace(receipt(ReceiptStatus.DROPPED, held="h1"), key="cancel"), "", START)
    assert outbox.was_shown(receipt(ReceiptStatus.DROPPED, held="h1"))
    assert not outbox.was_shown(receipt(ReceiptStatus.DROPPED, held="h2"))


def test_ctrl_c_may_not_quit_while_a_request_is_open_and_for_seconds_after_its_receipt() -> None:
    outbox = Outbox()
    assert outbox.why_stay(START) is None
    outbox.add(SENT, START)
    assert "the desk has not answered yet" in str(outbox.why_stay(START + timedelta(hours=1)))
    outbox.settle(SENT, receipt(ReceiptStatus.ON_AIR))
    outbox.mark_shown(receipt(ReceiptStatus.ON_AIR), "", START)
    assert "there is nothing to take back" in str(outbox.why_stay(START + timedelta(seconds=9)))
    assert outbox.why_stay(START + timedelta(seconds=10)) is None


def test_held_item_is_decided_once_a_decision_about_it_is_sent() -> None:
    outbox = Outbox()
    assert not outbox.is_decided("h1")
    decision = DecisionRequest(key="k2", decision=Decision.CANCEL, held="h1")
    sent = Send(edition="en", request=decision, quoted="")
    outbox.add(sent, START)
    assert outbox.is_decided("h1")
    dropped = receipt(ReceiptStatus.DROPPED, held="h1")
    outbox.settle(sent, dropped)
    outbox.mark_shown(dropped, "", START)
    assert outbox.is_decided("h1")


def test_latest_receipts_are_kept_one_per_request_the_newest_last() -> None:
    outbox = Outbox()
    for number in range(7):
        outbox.mark_shown(msgspec.structs.replace(HELD, key=f"k{number}", held=f"h{number}"), f"text {number}", START)
    outbox.mark_shown(msgspec.structs.replace(HELD, status=ReceiptStatus.ON_AIR, held="h5"), "text 5", START)
    assert [(shown.status.value, text) for shown, text in outbox.latest_receipts] == [
        ("held", "text 2"),
        ("held", "text 3"),
        ("held", "text 4"),
        ("held", "text 6"),
        ("on-air", "text 5"),
    ]


@pytest.mark.parametrize("status", [ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR])
def test_same_draft_gets_the_same_key_after_a_missing_receipt(status: ReceiptStatus) -> None:
    drafts = Drafts()
    assert not drafts.settle(SENT, receipt(status))
    assert drafts.key_for("en", DRAFT) == "k1"
    assert drafts.key_for("en", Draft(fields=DraftFields(text="Ferries run"))) != "k1"
    assert drafts.key_for("ar", DRAFT) != "k1"
    assert drafts.unsettled_request("k1") == SENT


def test_published_draft_is_forgotten_and_a_refused_one_is_kept() -> None:
    drafts = Drafts()
    drafts.keep("en", DRAFT)
    assert not drafts.settle(SENT, receipt(ReceiptStatus.REFUSED))
    assert drafts.restore("en", Draft()) == DRAFT
    assert drafts.settle(SENT, receipt(ReceiptStatus.ON_AIR))
    assert drafts.restore("en", Draft()) == Draft()
    assert drafts.key_for("en", DRAFT) != "k1"


def test_blank_draft_replaces_the_kept_one() -> None:
    drafts = Drafts()
    drafts.keep("en", DRAFT)
    drafts.keep("en", Draft())
    assert drafts.restore("en", Draft()) == Draft()
