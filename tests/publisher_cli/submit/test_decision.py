"""`tick approve`, `reject`, `cancel` and `undo`."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.commands import on_board, one_line
from tests.support.review_system import held_in, hold
from tests.support.system import System
from tests.support.terminal import Terminal
from tests.support.waiting import until


def test_flash_waits_until_another_editor_approves_it(review_system: System) -> None:
    ran = review_system.tick("post", "Earthquake hits Port Isel", "-e", "en", "--urgency", "1")
    assert ran.code == 5
    held = re.search(r"\(id ([0-9a-z]{10})\): not on air yet", ran.out)
    assert held
    assert "  waits: a flash needs a second person in this edition\n" in ran.out
    assert f"  to approve it (another editor): tick approve {held[1]} -e en\n" in ran.out
    pending = review_system.tick("pending", "-e", "en")
    assert re.search(
        rf"^{held[1][:4]}\w*  .*  new  FLASH  maha \(editor\)  Earthquake hits Port Isel  \[a flash needs", pending.out
    ), pending
    own = review_system.tick("approve", held[1], "-e", "en")
    assert own.code == 3
    assert "another person has to approve it" in one_line(own)
    approved = review_system.tick("approve", held[1], "-e", "en", editor="karim")
    assert approved.code == 0
    assert re.match(r'on air  en \d+  "Earthquake hits Port Isel"  \(id \w+\) · 1 gateway', approved.out), approved
    line = on_board(review_system, held[1])
    assert line is not None
    entry = review_system.tick("log", "-e", "en", "-n", "1", "--json").json["entries"][0]
    assert (entry["editor"], entry["approved_by"]) == ("maha", "karim")
    assert re.fullmatch(r"tick [0-9.]+ on [\w.?-]+", entry["origin"])
    decided = review_system.tick("pending", "-e", "en").out
    assert re.search(rf"^{held[1][:4]}\w*  .*  approved by karim  Earthquake hits Port Isel$", decided, re.MULTILINE)
    assert "[a flash needs" not in decided


def test_approve_last_is_ambiguous_if_several_items_wait(review_system: System) -> None:
    first, second = (hold(review_system, text, "--urgency", "1") for text in ("One flash", "Two flashes"))
    ran = review_system.tick("approve", "last", "-e", "en", editor="karim")
    assert ran.code == 2
    assert "2 lines wait for a second person: choose one" in one_line(ran)
    for held in (first, second):
        assert review_system.tick("cancel", held, "-e", "en").code == 0


def approve_on_terminal(system: System, name: str, answer: str, *options: str) -> tuple[int, str]:
    """Run `tick approve` as karim on a terminal, and answer its question. Return the exit code and the screen."""
    environ = {**system.environ, "TICK_EDITOR": "karim"}
    terminal = Terminal("tick", "approve", name, "-e", "en", *options, environ=environ, columns=120)
    until(lambda: "approve it?" in terminal.seen, "it asks")
    terminal.type(f"{answer}\r")
    return terminal.wait(), terminal.seen


@pytest.mark.parametrize("name", ["last", "prefix"])
def test_approval_by_a_short_name_needs_a_person_who_sees_the_item(review_system: System, name: str) -> None:
    held = hold(review_system, f"Approved by {name}", "--urgency", "1")
    short = name if name == "last" else held[:6]
    ran = review_system.tick("approve", short, "-e", "en", editor="karim")
    assert ran.code == 2
    assert "may be another item than the one that you saw" in one_line(ran)
    assert held in held_in(review_system)
    code, seen = approve_on_terminal(review_system, short, "n")
    assert (code, held in held_in(review_system)) == (2, True)
    shown = seen.partition("approve it?")[0]
    assert f"Approved by {name}" in shown
    assert "a flash needs a second person" in shown
    code, seen = approve_on_terminal(review_system, short, "y")
    assert (code, held in held_in(review_system)) == (0, False), seen


def test_approval_of_a_change_shows_the_text_that_it_replaces(review_system: System) -> None:
    posted = review_system.tick("post", "The text before", "-e", "en", "--json").json["id"]
    ran = review_system.tick("update", posted, "The text after", "-e", "en", "--urgency", "1", "--json")
    _, seen = approve_on_terminal(review_system, ran.json["held"], "y")
    assert "The text after" in seen
    assert "instead of: The text before" in seen


def test_approval_shows_every_field_that_it_publishes(review_system: System) -> None:
    """A second person who sees only the text approves a link that they never saw."""
    options = ("--url", "https://example.org/a", "--section", "politics", "--region", "europe", "--story", "Vote")
    held = hold(review_system, "Polls close", "--urgency", "1", *options, "--note", "From the wire")
    (item,) = [each for each in pending(review_system) if each["held"] == held]
    assert item["fields"]["url"] == "https://example.org/a"
    listed = review_system.tick("pending", "-e", "en").out
    _, seen = approve_on_terminal(review_system, held, "y")
    for shown in (
        "link: https://example.org/a",
        "section: Politics",
        "regions: Europe",
        "story: Vote",
        "From the wire",
    ):
        assert shown in seen.partition("approve it?")[0]
        assert shown in listed


def test_approval_for_content_that_was_seen_elsewhere_doesnt_ask(review_system: System) -> None:
    held = hold(review_system, "Seen elsewhere", "--urgency", "1")
    (item,) = [each for each in pending(review_system) if each["held"] == held]
    other = review_system.tick("approve", held, "-e", "en", "--seen", "0" * 16, editor="karim")
    assert (other.code, "not as you saw it" in one_line(other)) == (3, True)
    assert review_system.tick("approve", held[:6], "-e", "en", "--seen", item["seen"], editor="karim").code == 0


def test_approval_of_an_outdated_change_ends_it_and_says_so(review_system: System) -> None:
    posted = review_system.tick("post", "Version one", "-e", "en", "--json").json["id"]
    held = review_system.tick("update", posted, "Version two", "-e", "en", "--urgency", "1", "--json").json["held"]
    assert review_system.tick("update", posted, "Version three", "-e", "en").code == 0
    assert "the line has changed since: it can't be published any more" in review_system.tick("pending", "-e", "en").out
    ran = review_system.tick("approve", held, "-e", "en", editor="karim")
    assert ran.code == 3
    assert "is not the latest" in ran.err
    assert f"{held} is not held any more" in ran.err
    assert held not in held_in(review_system)


def pending(system: System) -> list[Any]:
    """Return what `tick pending` lists."""
    found: list[Any] = system.tick("pending", "-e", "en", "--json").json["held"]
    return found


def test_rejection_drops_the_item_and_needs_a_reason(review_system: System) -> None:
    held = hold(review_system, "The mayor resigns", editor="rana")
    ran = review_system.tick("reject", held[:5], "-e", "en", "--reason", "One source only", editor="karim")
    assert ran.code == 0
    assert ran.out == 'rejected by karim  en  "The mayor resigns": it was not published: One source only\n'
    assert held not in held_in(review_system)
    assert review_system.tick("reject", held, "-e", "en", editor="karim").code == 2  # without a reason


def test_withdrawal_of_another_editors_line_waits_and_pending_shows_its_reason(review_system: System) -> None:
    posted = review_system.tick("post", "A ship has sunk", "-e", "en", "--json", editor="omar").json["id"]
    ran = review_system.tick("withdraw", posted, "-e", "en", "--reason", "It is afloat.")
    assert ran.code == 5
    held = re.search(r"held as ([0-9a-z]{10})\)", ran.out)
    assert held, ran
    pending = review_system.tick("pending", "-e", "en")
    assert "A ship has sunk  [readers will see: It is afloat.; the line is omar's" in pending.out
    assert review_system.tick("approve", held[1], "-e", "en", editor="karim").out.startswith("withdrawn  en ")


def test_pending_and_approval_show_the_text_of_a_hidden_line(review_system: System) -> None:
    posted = review_system.tick("post", "The names are known", "-e", "en", "--json", editor="omar").json["id"]
    assert review_system.tick("hide", posted, "-e", "en", editor="omar").code == 0
    held = review_system.tick("unhide", posted, "-e", "en", "--json", editor="rana").json["held"]
    assert "  The names are known  [" in review_system.tick("pending", "-e", "en").out
    ran = review_system.tick("approve", held, "-e", "en", editor="karim")
    assert re.match(r'on air again  en \d+  "The names are known"  ', ran.out), ran


def test_only_a_chief_breaks_the_glass(review_system: System) -> None:
    ran = review_system.tick("post", "Flash one", "-e", "en", "--urgency", "1", "--break-glass", "alone tonight")
    assert ran.code == 3
    assert "only a chief" in one_line(ran)
    ran = review_system.tick(
        "post", "Flash two", "-e", "en", "--urgency", "1", "--break-glass", "alone tonight", "--json", editor="carla"
    )
    assert ran.code == 0
    held = hold(review_system, "Flash three", "--urgency", "1", editor="carla")
    ran = review_system.tick("approve", held, "-e", "en", "--break-glass", "still alone", editor="carla")
    assert ran.code == 0, ran
    entry = review_system.tick("log", "-e", "en", "-n", "1", "--json").json["entries"][0]
    assert entry["break_glass"] == "still alone"


def test_cancel_last_cancels_the_editors_own_newest_item(review_system: System) -> None:
    mine = hold(review_system, "Mine", "--at", "+1h", editor="noor")
    others = hold(review_system, "Another's", "--at", "+1h", editor="sami")
    ran = review_system.tick("cancel", "last", "-e", "en", editor="noor")
    assert ran.out == 'taken back by noor  en  "Mine": it was not published\n'
    assert {mine, others} & held_in(review_system) == {others}
    assert review_system.tick("cancel", "last", "-e", "en", editor="noor").code == 2
    assert review_system.tick("cancel", others, "-e", "en", "--json").json["status"] == "dropped"


def test_undo_ignores_scheduled_items(review_system: System) -> None:
    held = hold(review_system, "Scheduled", "--at", "+1h", editor="noor")
    assert review_system.tick("undo", editor="noor").code == 2
    assert review_system.tick("cancel", held, "-e", "en", editor="noor").code == 0
