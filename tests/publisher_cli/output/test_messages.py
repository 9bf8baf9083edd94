"""The texts of lines, held items and receipts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from publisher_cli.output import messages
from publisher_cli.output.messages import Subject
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.submission import Finding, Reach, Receipt, ReceiptStatus, Submission

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LINE = Line(
    id="k7m2x9ab3c",
    version=1,
    number=1,
    change=Change.NEW,
    text="It rains",
    attribution="Weather office",
    lang="en",
    dir=Direction.LTR,
    created_at=NOW,
    updated_at=NOW,
)
SUBJECT = Subject(Change.NEW, "It rains", Direction.LTR)
RECEIPT = Receipt(status=ReceiptStatus.HELD, edition="en", key="k-1", id="k7m2x9ab3c", held="k7m2x9ab3c")


def lines(receipt: Receipt, subject: Subject = SUBJECT, width: int | None = None) -> list[str]:
    """Return the receipt without colours."""
    texts = messages.receipt_lines(receipt, subject, lambda instant: f"{instant:%H:%M}", width)
    return [str(text) for text in texts]


def on_air(**fields: object) -> Receipt:
    published = {"status": ReceiptStatus.ON_AIR, "position": "7-ab12cd34ab12cd34", **fields}
    return msgspec.structs.replace(RECEIPT, **published)


def test_line_text_has_the_attribution() -> None:
    assert messages.line_text(LINE) == "Weather office: It rains"


@pytest.mark.parametrize(
    ("status", "correction", "text"),
    [
        (Status.CANCELED, "It did not.", "[withdrawn] It did not."),
        (Status.CANCELED, None, "[withdrawn]"),
        (Status.WITHHELD, None, "[hidden]"),
    ],
)
def test_line_text_of_a_removed_line_is_a_placeholder(status: Status, correction: str | None, text: str) -> None:
    line = msgspec.structs.replace(LINE, status=status, correction=correction, text="")
    assert messages.line_text(line) == text


def test_shown_text_has_the_correction() -> None:
    line = msgspec.structs.replace(LINE, correction="We said snow.")
    assert messages.shown_text(line) == "Weather office: It rains  [corrected: We said snow.]"


def test_submitted_text_is_the_new_text_or_else_that_of_the_line() -> None:
    update = Submission(key="k", change=Change.UPDATE, id=LINE.id, text="It pours")
    assert messages.submitted_text(update, LINE) == "It pours"
    withdrawal = Submission(key="k", change=Change.WITHDRAW, id=LINE.id)
    assert messages.submitted_text(withdrawal, LINE) == "Weather office: It rains"
    assert messages.submitted_text(withdrawal, None) is None


def test_marks_are_the_urgency_and_the_pin() -> None:
    line = msgspec.structs.replace(LINE, urgency=1, pinned_until=NOW + timedelta(hours=1))
    assert messages.marks(line, NOW) == "FLASH PIN"
    assert messages.marks(LINE, NOW) == ""


def test_clock_shows_the_date_only_on_another_day() -> None:
    assert messages.clock(NOW, NOW, UTC) == "09:30:00"
    assert messages.clock(NOW - timedelta(days=1), NOW, UTC) == "2026-11-23 09:30"


def test_receipt_on_air_is_one_line_unless_the_terminal_is_narrower() -> None:
    assert lines(on_air()) == ['on air  en 7  "It rains"  (id k7m2x9ab3c)']
    assert lines(on_air(), width=30) == ['on air  en 7  "It rains"', "  (id k7m2x9ab3c)"]


def test_receipt_of_a_test_edition_is_marked() -> None:
    assert lines(on_air(test=True))[0].startswith("on air  en [TEST] 7")


def test_reach_counts_readers_or_screens_that_removed_the_text() -> None:
    reach = Reach(gateways=2, followers=1, ms=0.4)
    assert messages.reach_text(reach, Change.NEW) == "2 gateways · 1 reader · under 1 ms"
    assert messages.reach_text(reach, Change.WITHDRAW) == "gone from 1 reader's screen · 2 gateways · under 1 ms"


def test_held_receipt_has_the_needs_and_the_time() -> None:
    needs = (Finding("flash", "a flash needs a second person"),)
    receipt = msgspec.structs.replace(RECEIPT, needs=needs, due_at=NOW)
    assert lines(receipt) == [
        'held  en  "It rains"  (id k7m2x9ab3c): not on air yet',
        "  waits: a flash needs a second person",
        "  will be published 09:30, if it is approved",
    ]
    assert list(messages.next_steps(receipt)) == [
        "  to approve it (another editor): tick approve k7m2x9ab3c -e en",
        "  to cancel it: tick cancel k7m2x9ab3c -e en",
    ]


def test_held_change_of_a_line_has_both_ids() -> None:
    receipt = msgspec.structs.replace(RECEIPT, held="z6m503e8v1")
    first = lines(receipt, Subject(Change.UPDATE, "It pours", Direction.LTR))[0]
    assert "(update of k7m2x9ab3c, held as z6m503e8v1): not on air yet" in first


def test_dropped_receipt_names_the_editor_and_the_reason() -> None:
    dropped = msgspec.structs.replace(RECEIPT, status=ReceiptStatus.DROPPED, decided_by="karim")
    assert lines(dropped) == ['taken back by karim  en  "It rains": it was not published']
    rejected = msgspec.structs.replace(dropped, reason="One source only")
    assert lines(rejected) == ['rejected by karim  en  "It rains": it was not published: One source only']


def test_failure_has_one_line_per_finding() -> None:
    errors = (Finding("too-long", "shorten it"), Finding("section", "no such section"))
    refused = msgspec.structs.replace(RECEIPT, status=ReceiptStatus.REFUSED, errors=errors)
    assert lines(refused) == ["refused  en  shorten it  [too-long]", "refused  en  no such section  [section]"]
    late = msgspec.structs.replace(RECEIPT, status=ReceiptStatus.LATE, errors=errors[:1])
    assert lines(late) == ["NOT ON AIR  en  shorten it"]
    unknown = msgspec.structs.replace(late, status=ReceiptStatus.UNKNOWN)
    assert lines(unknown) == ["UNKNOWN  en  shorten it"]


def test_retry_names_the_key() -> None:
    assert messages.retry_text(RECEIPT, Change.NEW).endswith("--key k-1: it never makes a second line")
    assert messages.retry_text(RECEIPT, Change.PIN).endswith("--key k-1: it never makes a second change")
    unknown = msgspec.structs.replace(RECEIPT, status=ReceiptStatus.UNKNOWN)
    assert messages.retry_text(unknown, Change.NEW).startswith("  to find out, see `tick log -e en`, or repeat")
