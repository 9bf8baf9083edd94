"""`tick cancel` of several held items."""

from __future__ import annotations

import json

import pytest

from tests.support.commands import one_line
from tests.support.review_system import held_in, hold
from tests.support.system import System
from tests.support.terminal import Terminal
from tests.support.waiting import until


def hold_some(system: System, editor: str, count: int = 3) -> set[str]:
    return {hold(system, f"{editor}'s line {number}", "--at", "+1h", editor=editor) for number in range(count)}


def test_several_ids_are_cancelled_in_one_command(review_system: System) -> None:
    held = hold_some(review_system, "amir")
    first, second, third = sorted(held)
    ran = review_system.tick("cancel", first, second[:8], "-e", "en", editor="amir")
    assert ran.code == 0, ran
    assert held & held_in(review_system) == {third}
    assert ran.out.count("taken back by amir") == 2
    assert "2 of 2 held items cancelled" in ran.err


def test_all_mine_cancels_what_the_editor_submitted_and_nothing_else(review_system: System) -> None:
    mine, others = hold_some(review_system, "lena"), hold_some(review_system, "omid", 1)
    unsure = review_system.tick("cancel", "--all-mine", "-e", "en", editor="lena")
    assert (unsure.code, "cancel 3 held items of en: confirm with --yes" in one_line(unsure)) == (2, True)
    ran = review_system.tick("cancel", "--all-mine", "-e", "en", "--yes", "--json", editor="lena")
    receipts = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0, ran
    assert {receipt["held"] for receipt in receipts} == mine
    assert {receipt["status"] for receipt in receipts} == {"dropped"}
    assert (mine | others) & held_in(review_system) == others
    again = review_system.tick("cancel", "--all-mine", "-e", "en", "--yes", editor="lena")
    assert (again.code, "nothing that lena submitted to en is held" in one_line(again)) == (2, True)


def test_a_chief_cancels_everything_that_a_removed_editor_left(review_system: System) -> None:
    left = hold_some(review_system, "gone")
    removed = review_system.ticker("editor", "remove", "gone", "-e", "en")
    assert removed.code == 0, removed
    assert "3 held items" in removed.out + removed.err
    assert "tick cancel --all-of gone -e en" in removed.out + removed.err
    ran = review_system.tick("cancel", "--all-of", "gone", "-e", "en", "--yes", editor="carla")
    assert ran.code == 0, ran
    assert not left & held_in(review_system)


def test_a_reporter_cannot_cancel_the_items_of_others(review_system: System) -> None:
    held = hold_some(review_system, "ida", 2)
    ran = review_system.tick("cancel", "--all-of", "ida", "-e", "en", "--yes", editor="rana")
    assert ran.code == 3
    assert "0 of 2 held items cancelled" in ran.err
    assert held <= held_in(review_system)


def test_on_a_terminal_the_items_are_shown_and_the_editor_is_asked(review_system: System) -> None:
    held = hold_some(review_system, "nils", 2)
    assert cancel_on_terminal(review_system, "n") == 2
    assert held <= held_in(review_system)
    assert cancel_on_terminal(review_system, "y") == 0
    assert not held & held_in(review_system)


def cancel_on_terminal(system: System, answer: str) -> int:
    """Run `tick cancel --all-mine` as nils, and answer its question. Return the exit code."""
    environ = {**system.environ, "TICK_EDITOR": "nils"}
    terminal = Terminal("tick", "cancel", "--all-mine", "-e", "en", environ=environ)
    until(lambda: "cancel 2 held items of en?" in terminal.seen, "it asks")
    assert "nils's line 0" in terminal.seen
    terminal.type(f"{answer}\r")
    return terminal.wait()


@pytest.mark.parametrize("words", [[], ["k7m2", "--all-mine"], ["--all-mine", "--all-of", "rana"], ["k7m2", "last"]])
def test_other_combinations_are_usage_errors(review_system: System, words: list[str]) -> None:
    hold_some(review_system, "zoe", 1)
    assert review_system.tick("cancel", *words, "-e", "en", editor="zoe").code == 2
