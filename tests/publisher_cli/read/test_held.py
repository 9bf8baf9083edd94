"""`tick pending` and `tick scheduled`, and the items that wait for their time."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from publisher_cli.held_items import HeldItems
from publisher_cli.read.held import print_pending, print_scheduled
from tests.support.commands import on_board, one_line
from tests.support.review_system import held_in, hold, scheduled
from tests.support.system import System
from tests.support.waiting import until
from ticker.console import Console
from ticker.core.edition import DEFAULT_EDITIONS, Role
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.submission import Finding, Submission
from ticker.store.editions import StoredEdition

NOW = datetime.now(UTC)
SUBMISSION = Submission(key="k", change=Change.NEW, text="Polls close", urgency=1)
PENDING = Held(
    id="abcd000001",
    editor="maha",
    submission=SUBMISSION,
    submitted_at=NOW,
    needs=(Finding("flash", "a flash needs a second person"),),
)
SOON = Held(id="abcd000002", editor="rana", submission=SUBMISSION, submitted_at=NOW, due_at=NOW + timedelta(hours=1))
OVERDUE = msgspec.structs.replace(SOON, id="abcd000004", overdue=True)


def items(*held: Held) -> HeldItems:
    stored = StoredEdition("en", DEFAULT_EDITIONS["en"], "00" * 8)
    return HeldItems(stored, {each.id: each for each in held}, {}, {"rana": Role.REPORTER})


class Output:
    """A console that writes to strings."""

    def __init__(self, *, is_json: bool = False) -> None:
        self._out, self._err = io.StringIO(), io.StringIO()
        self.console = Console({}, self._out, self._err)
        self.console.json = is_json

    @property
    def out(self) -> str:
        return self._out.getvalue()

    @property
    def err(self) -> str:
        return self._err.getvalue()


def test_receipt_of_a_scheduled_line_has_its_time_and_the_command_that_cancels_it(review_system: System) -> None:
    ran = review_system.tick("post", "Polls close in Valmora", "-e", "en", "--at", "+30m", "--pin", "2h")
    assert ran.code == 5
    assert ran.err == ""
    first, due, pinned, cancel = ran.out.splitlines()
    match = re.fullmatch(r'held  en  "Polls close in Valmora"  \(id ([0-9a-z]{10})\): not on air yet', first)
    assert match, ran
    assert re.fullmatch(r"  will be published (on .*)?at \d\d:\d\d CES?T = .*\d\d:\d\d UTC \(in 30 min\)", due), ran
    assert re.fullmatch(r"  pinned until .* \(in 2 h 30 min\)", pinned), ran
    assert cancel == f"  to cancel it: tick cancel {match[1]} -e en"
    held = next(item for item in scheduled(review_system) if item["held"] == match[1])
    assert (held["reason"], held["editor"], held["role"]) == ("scheduled", "maha", "editor")
    assert review_system.tick("cancel", match[1][:5], "-e", "en").code == 0
    assert match[1] not in held_in(review_system)


def test_scheduled_line_is_published_at_its_time(review_system: System) -> None:
    held = hold(review_system, "The doors open", "--at", "+2s")
    until(lambda: on_board(review_system, held) is not None, "it is on air")
    line = on_board(review_system, held)
    assert line is not None
    assert line.text == "The doors open"


def test_scheduled_lists_items_with_their_times_the_next_first(review_system: System) -> None:
    late, soon = hold(review_system, "Later on", "--at", "+3h"), hold(review_system, "Sooner", "--embargo", "+1h")
    listed = [item["held"] for item in scheduled(review_system)]
    assert listed.index(soon) < listed.index(late)
    ran = review_system.tick("scheduled", "-e", "en")
    rows = [line for line in ran.out.splitlines() if "Sooner" in line or "Later on" in line]
    assert re.search(r"\d\d:\d\d.*  on air in 1 h  new  maha \(editor\)  Sooner  \[submitted \d+ s ago\]$", rows[0]), (
        ran
    )
    assert "wait for their time: tick cancel ID -e en" in ran.err
    assert scheduled(review_system)[0].keys() >= {"due_at", "text", "editor", "role", "needs", "reason", "submitted_at"}
    for held in (late, soon):
        assert review_system.tick("cancel", held, "-e", "en").code == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--at", "03/04 9:00"), "could be two days"),
        (("--at", "yesterday"), "is not in the future"),
        (("--embargo", "friday"), "no time of day"),
        (("--undo", "1h"), "The longest is 300 s"),
        (("--undo", "soon"), "isn't an undo window"),
    ],
)
def test_invalid_time_is_a_usage_error(review_system: System, options: tuple[str, ...], why: str) -> None:
    ran = review_system.tick("post", "When", "-e", "en", *options)
    assert ran.code == 2
    assert why in one_line(ran)


def test_time_is_in_the_editions_zone(review_system: System) -> None:
    ran = review_system.tick("post", "Tomorrow", "-e", "en", "--at", "tomorrow 9:00", "--json", TZ="America/New_York")
    due = datetime.fromisoformat(ran.json["due_at"])
    assert due.astimezone(UTC).hour in (7, 8)  # 9 in Madrid, summer or winter
    assert timedelta(0) < due - datetime.now(UTC) < timedelta(hours=48)
    assert review_system.tick("cancel", ran.json["held"], "-e", "en").code == 0


def test_pending_says_how_long_each_item_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> Clock:
            return cls.fromtimestamp((NOW + timedelta(minutes=72)).timestamp(), UTC)

    monkeypatch.setattr("publisher_cli.read.held.datetime", Clock)
    text, document = Output(), Output(is_json=True)
    print_pending(text.console, items(PENDING))
    assert "  waits 1 h 12 min  new  FLASH  maha (editor)" in text.out
    print_pending(document.console, items(PENDING))
    assert json.loads(document.out)["held"][0]["waited_s"] == 72 * 60


def test_pending_lists_the_needs_and_the_commands() -> None:
    output = Output()
    print_pending(output.console, items(PENDING, SOON))
    assert output.err == (
        "en  1 line waits for a second person: tick approve ID -e en, or tick reject ID -e en --reason …\n"
    )
    assert output.out.endswith("  new  FLASH  maha (editor)  Polls close  [a flash needs a second person]\n")


def test_overdue_item_is_pending_and_not_scheduled() -> None:
    output = Output()
    print_pending(output.console, items(OVERDUE))
    assert "[its time passed while no desk was running: is it still news?]" in output.out
    assert output.err.startswith("en  1 line waits for a person: tick approve ID -e en"), (
        "its author may confirm it, too"
    )
    output = Output()
    print_scheduled(output.console, items(OVERDUE))
    assert output.out == ""


def test_scheduled_lists_the_next_item_first() -> None:
    output, now = Output(), datetime.now(UTC)
    soon = msgspec.structs.replace(SOON, due_at=now + timedelta(hours=1, seconds=20))
    late = msgspec.structs.replace(SOON, id="abcd000003", due_at=now + timedelta(days=2, seconds=20))
    print_scheduled(output.console, items(late, soon))
    first, second = output.out.splitlines()
    assert re.search(r"on air in 1 h  new  FLASH  rana \(reporter\)  Polls close", first)
    assert re.search(r"on air in 2 d  new", second)
    assert output.err == "en  2 lines wait for their time: tick cancel ID -e en cancels one\n"


def test_empty_list_has_no_command() -> None:
    output = Output()
    print_pending(output.console, items())
    assert (output.out, output.err) == ("", "en  0 lines wait for a second person\n")


def test_json_has_every_field_of_an_item() -> None:
    output = Output(is_json=True)
    print_pending(output.console, items(PENDING))
    document = json.loads(output.out)
    assert document["edition"] == "en"
    (held,) = document["held"]
    assert (held["held"], held["action"], held["role"], held["text"]) == ("abcd000001", "new", "editor", "Polls close")
    assert held.keys() == {
        "held", "action", "id", "editor", "role", "text", "urgency", "correction", "submitted_at", "due_at",
        "waited_s", "reason", "needs", "approved_by", "outdated", "seen", "fields",
    }  # fmt: skip


def test_author_sees_who_decided_on_their_items_and_why(review_system: System) -> None:
    rejected = hold(review_system, "Palace: The king has died", "--urgency", "1")
    approved = hold(review_system, "Palace: The king lives", "--urgency", "1")
    own = hold(review_system, "Palace: The king sleeps", "--urgency", "1")
    decide = ("-e", "en", "--no-reach")
    assert review_system.tick("reject", rejected, *decide, "--reason", "One source only", editor="omar").code == 0
    assert review_system.tick("approve", approved, *decide, editor="omar").code == 0
    assert review_system.tick("cancel", own, *decide).code == 0
    ran = review_system.tick("pending", "-e", "en")
    assert "decided lately about your items:" in ran.err
    rows = [line for line in ran.out.splitlines() if "The king" in line]
    assert re.fullmatch(
        rf"{rejected[:4]}  [\d:]+  rejected by omar  Palace: The king has died  \[One source only\]", rows[0]
    ), ran
    assert re.fullmatch(rf"{approved[:4]}  [\d:]+  approved by omar  Palace: The king lives", rows[1]), ran
    assert len(rows) == 2
    decided = review_system.tick("pending", "-e", "en", "--json").json["decided"]
    assert [(each["held"], each["decision"]) for each in decided[-2:]] == [
        (rejected, "rejected"),
        (approved, "approved"),
    ]
    assert "The king" not in review_system.tick("pending", "-e", "en", editor="carla").out


def test_english_remarks_behind_an_arabic_text_are_isolated() -> None:
    output = Output()
    arabic = msgspec.structs.replace(SOON, submission=Submission(key="k", change=Change.NEW, text="عاصفة"))
    stored = StoredEdition("ar", DEFAULT_EDITIONS["ar"], "00" * 8)
    print_scheduled(output.console, HeldItems(stored, {SOON.id: arabic}, {}, {}))
    assert re.search(r"\u2067عاصفة  \[\u2068submitted [^\u2069]+ ago\u2069\]\u2069$", output.out.rstrip()), output.out
