"""The tables of `tick pending` and `tick scheduled`."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import msgspec

from publisher_cli.held_items import HeldItems
from publisher_cli.output.held_table import print_pending, print_scheduled
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
    output = Output()
    print_scheduled(output.console, items(OVERDUE))
    assert output.out == ""


def test_scheduled_lists_the_next_item_first() -> None:
    output, now = Output(), datetime.now(UTC)
    soon = msgspec.structs.replace(SOON, due_at=now + timedelta(hours=1, seconds=20))
    late = msgspec.structs.replace(SOON, id="abcd000003", due_at=now + timedelta(days=2, seconds=20))
    print_scheduled(output.console, items(late, soon))
    first, second = output.out.splitlines()
    assert "in 1 h  new  FLASH  rana (reporter)  Polls close" in first
    assert "in 2 d  new" in second
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
        "reason", "needs", "approved_by",
    }  # fmt: skip
