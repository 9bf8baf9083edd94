"""The receipts of outcomes, without a desk."""

from __future__ import annotations

import pytest

from tests.support.desk_harness import new
from tests.support.strategies import START
from ticker.core.held import Held
from ticker.core.outcome import Hold
from ticker.core.submission import Finding, ReceiptStatus
from ticker.desk.receipts import receipt_for

FLASH = Finding("flash", "a flash needs a second person in this edition")


@pytest.mark.parametrize(
    ("overdue", "approved_by", "needs"),
    [
        (False, None, ["flash"]),
        (False, "bob", []),
        (True, None, ["overdue", "flash"]),
        (True, "bob", ["overdue"]),
    ],
)
def test_the_receipt_of_an_approved_item_has_no_needs(overdue: bool, approved_by: str | None, needs: list[str]) -> None:
    held = Held(
        id="held-1",
        editor="ann",
        submission=new("k1", urgency=1),
        submitted_at=START,
        needs=(FLASH,),
        approved_by=approved_by,
        overdue=overdue,
    )
    receipt = receipt_for("en", "k1", held.submission, Hold(held))
    assert (receipt.status, receipt.held) == (ReceiptStatus.HELD, "held-1")
    assert [need.code for need in receipt.needs] == needs
