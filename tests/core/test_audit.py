"""Acts and their editors, from entries and receipts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ticker.core.audit import Act, Missing, Received, acts, differences, marked, of_editor, of_line
from ticker.core.entry import Entry, Logged
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.submission import Decision, Finding, Receipt, ReceiptStatus

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LINK = "ab" * 32


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def logged(seq: int, seconds: float, line_id: str = "aaaa", link: str = LINK, **fields: Any) -> Logged:
    line = Line(
        id=line_id, version=fields.pop("version", 1), number=seq, change=fields.pop("change", Change.NEW),
        text=fields.pop("text", "Polls close"), lang="en", dir=Direction.LTR, created_at=NOON, updated_at=at(seconds),
        **{name: fields.pop(name) for name in ("status", "urgency") if name in fields},
    )  # fmt: skip
    entry = Entry(line=line, editor=fields.pop("editor", "maha"), key=f"k{seq}", submitted_at=at(seconds - 1), **fields)
    return Logged(seq, link, entry)


def received(editor: str, seconds: float, status: ReceiptStatus, **fields: Any) -> Received:
    fields = {"key": f"{editor}-{seconds}", "action": "new", **fields}
    return Received(editor, at(seconds), Receipt(status=status, edition="en", **fields))


def on_air(of: Logged, editor: str = "maha", seconds: float = 0) -> Received:
    line = of.entry.line
    return received(editor, seconds, ReceiptStatus.ON_AIR, id=line.id, version=line.version, position=str(of.position))


def outcomes(found: list[Act]) -> list[tuple[str | None, ReceiptStatus, str | None]]:
    return [(act.editor, act.outcome, act.action) for act in found]


def test_acts_are_in_order_and_each_is_listed_once() -> None:
    first, second = logged(1, 0), logged(2, 20, "bbbb", editor="omar")
    late = received("omar", 10, ReceiptStatus.LATE, errors=(Finding("late", "no desk"),))
    found = acts([first, second], [late, on_air(first), on_air(second, "omar", 20)])
    assert outcomes(found) == [
        ("maha", ReceiptStatus.ON_AIR, "new"),
        ("omar", ReceiptStatus.LATE, "new"),
        ("omar", ReceiptStatus.ON_AIR, "new"),
    ]
    assert found[1].errors[0].code == "late"


def test_a_repaired_log_has_each_act_once_although_its_receipt_names_the_log_before() -> None:
    kept, lost = logged(1, 0), logged(2, 5, "bbbb", version=2)
    other = {"link": "cd" * 32}
    after = logged(1, 0, **other)
    again = logged(2, 9, "bbbb", version=2, **other)
    approved = received(
        "omar", 0, ReceiptStatus.ON_AIR, action="approve", id="aaaa", version=1, position=str(kept.position),
        held="hhhh", decided_by="omar",
    )  # fmt: skip
    receipts = [
        msgspec.structs.replace(on_air(kept), receipt=msgspec.structs.replace(on_air(kept).receipt, key="k1")),
        on_air(lost, seconds=5),  # its key differs from that of the same version in the new log
    ]
    found = acts([after, again], receipts)
    assert [(act.id, act.missing) for act in found] == [("aaaa", None), ("bbbb", Missing.ANOTHER_LOG), ("bbbb", None)]
    by_omar = Logged(1, "cd" * 32, msgspec.structs.replace(kept.entry, approved_by="omar"))
    assert [act.missing for act in acts([by_omar], [approved])] == [None]


def test_an_act_has_the_version_before_it() -> None:
    first, other = logged(1, 0), logged(2, 1, "bbbb")
    second = logged(3, 2, version=2, change=Change.WITHDRAW, text="", status=Status.CANCELED)
    found = acts([first, other, second], [])
    assert found[0].before is None
    assert found[2].before == first.entry.line
    assert found[2].after == second.entry.line


def test_acts_keep_the_order_of_the_log_when_a_clock_jumps_back() -> None:
    entries = [logged(1, 100), logged(2, 0, "bbbb"), logged(3, 50, "cccc")]
    assert [act.position for act in acts(entries, [])] == [str(entry.position) for entry in entries]


def test_an_act_has_the_people_and_overridden_rules_of_its_entry() -> None:
    entry = logged(
        1, 0, approved_by="omar", break_glass="alone", overridden=("flash",), origin="tick", due_at=at(-5), note="n"
    )
    (act,) = acts([entry], [])
    assert (act.approved_by, act.break_glass, act.overridden, act.origin, act.due_at, act.note) == (
        "omar",
        "alone",
        ("flash",),
        "tick",
        at(-5),
        "n",
    )
    assert act.submitted_at == at(-1)


def test_a_rejection_is_one_act_with_the_author_and_the_rejecting_editor() -> None:
    authors = received("rana", 5, ReceiptStatus.DROPPED, held="hhhh", decided_by="omar", reason="Unconfirmed")
    rulers = received(
        "omar", 5, ReceiptStatus.DROPPED, action="reject", held="hhhh", decided_by="omar", reason="Unconfirmed"
    )
    for receipts in ([authors, rulers], [rulers, authors]):
        (act,) = acts([], receipts)
        assert (act.editor, act.action, act.decided_by, act.decision) == ("rana", "new", "omar", Decision.REJECT)
        assert act.reason == "Unconfirmed"
    (act,) = acts([], [rulers])
    assert (act.editor, act.decided_by, act.decision) == (None, "omar", Decision.REJECT)


def test_an_approval_that_waits_for_its_time_is_one_act() -> None:
    asked = received("rana", 1, ReceiptStatus.HELD, held="hhhh", due_at=at(60), needs=(Finding("reporter", "…"),))
    authors = received("rana", 5, ReceiptStatus.HELD, held="hhhh", decided_by="omar", due_at=at(60))
    rulers = received("omar", 5, ReceiptStatus.HELD, action="approve", held="hhhh", decided_by="omar", due_at=at(60))
    found = acts([], [asked, authors, rulers])
    assert [(act.editor, act.decided_by, act.decision) for act in found] == [
        ("rana", None, None),
        ("rana", "omar", Decision.APPROVE),
    ]


def test_an_approval_whose_entry_is_not_in_the_log_is_one_act() -> None:
    trimmed, left = logged(4, 0), logged(5, 9, "bbbb")
    fields = {"id": "aaaa", "version": 1, "position": str(trimmed.position), "held": "aaaa", "decided_by": "omar"}
    authors = received("rana", 5, ReceiptStatus.ON_AIR, **fields)
    rulers = received("omar", 5, ReceiptStatus.ON_AIR, action="approve", **fields)
    for receipts in ([authors, rulers], [rulers, authors]):
        act, _ = acts([left], receipts)
        assert (act.editor, act.action, act.decided_by, act.decision) == ("rana", "new", "omar", Decision.APPROVE)
        assert act.missing is Missing.TRIMMED


def test_the_acts_of_a_line_include_those_of_its_held_change() -> None:
    asked = received("rana", 1, ReceiptStatus.HELD, action="update", id="aaaa", held="hhhh")
    dropped = received(
        "rana", 5, ReceiptStatus.DROPPED, action="update", held="hhhh", decided_by="omar", reason="Unconfirmed"
    )
    other = received("rana", 6, ReceiptStatus.DROPPED, held="iiii", decided_by="omar", reason="Unconfirmed")
    found = of_line(acts([logged(1, 0)], [asked, dropped, other]), {"aaaa"})
    assert [act.outcome for act in found] == [ReceiptStatus.ON_AIR, ReceiptStatus.HELD, ReceiptStatus.DROPPED]


def test_a_refused_decision_is_an_act_of_the_editor_who_made_it() -> None:
    tried = [
        received(
            "rana",
            n,
            ReceiptStatus.REFUSED,
            action="approve",
            held="hhhh",
            decided_by="rana",
            errors=(Finding("role", "…"),),
        )
        for n in (1, 2)
    ]
    assert outcomes(acts([], tried)) == [("rana", ReceiptStatus.REFUSED, "approve")] * 2


def test_a_retry_is_not_a_second_act_unless_it_has_no_key() -> None:
    refused = [
        received("omar", n, ReceiptStatus.REFUSED, key="same", errors=(Finding("too-long", "…"),)) for n in (1, 2)
    ]
    malformed = [received("omar", n, ReceiptStatus.REFUSED, key="", action=None) for n in (3, 4)]
    assert [act.key for act in acts([], refused + malformed)] == ["same", "", ""]


def test_an_act_that_the_log_lacks_has_the_reason() -> None:
    trimmed, replaced = logged(4, 0), logged(5, 1, link="cd" * 32)
    left = logged(5, 9, "bbbb")
    found = acts([left], [on_air(trimmed, seconds=0), on_air(replaced, seconds=1)])
    assert [act.missing for act in found] == [Missing.TRIMMED, Missing.ANOTHER_LOG, None]
    assert [act.missing for act in acts([], [on_air(replaced)])] == [Missing.ANOTHER_LOG]


def test_the_acts_of_an_editor_are_requests_approvals_and_decisions() -> None:
    entries = [logged(1, 0), logged(2, 1, "bbbb", approved_by="omar")]
    found = acts(entries, [received("rana", 2, ReceiptStatus.DROPPED, held="hhhh", decided_by="omar")])
    assert [act.id or act.held for act in of_editor(found, "omar")] == ["bbbb", "hhhh"]
    assert of_editor(found, "nobody") == []
    assert [act.held for act in of_line(found, {"hhhh"})] == ["hhhh"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Polls close", "Polls close", ("Polls close", "Polls close")),
        ("Polls close at 7", "Polls close at 8", ("Polls close at [-7-]", "Polls close at {+8+}")),
        ("Storm nears", "Storm nears the coast", ("Storm nears", "Storm nears {+the coast+}")),
        ("Two die in fire", "Fire", ("[-Two die in fire-]", "{+Fire+}")),
        ("أمطار غزيرة على الساحل", "أمطار على الساحل", ("أمطار [-غزيرة-] على الساحل", "أمطار على الساحل")),
    ],
)
def test_the_words_that_differ_in_two_texts_are_marked(before: str, after: str, expected: tuple[str, str]) -> None:
    assert marked(before, after) == expected


def test_differences_are_empty_if_a_version_has_no_text() -> None:
    line = logged(1, 0).entry.line
    urgent = msgspec.structs.replace(line, version=2, urgency=1, text="Another", updated_at=at(9))
    assert [(each.field, each.before, each.after) for each in differences(line, urgent)] == [("urgency", 4, 1)]
    assert differences(line, line.without_text(Status.CANCELED)) == []
