"""The commands that change lines, on a running system."""

from __future__ import annotations

import re

import pytest

from tests.support.commands import Post, on_board, one_line
from tests.support.system import System, environment, run_program


def test_update_changes_the_given_fields_only(system: System, post: Post) -> None:
    line_id = post("Storm near", "--section", "environment", "--url", "https://news.example/2")
    ran = system.tick("update", line_id, "Storm here", "-e", "en", "--urgency", "1")
    assert ran.out.startswith("updated  en ")
    assert '"Storm here"' in ran.out
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.version, line.urgency, line.section) == ("Storm here", 2, 1, "environment")


def test_update_without_a_text_changes_a_field_and_an_empty_value_removes_one(system: System, post: Post) -> None:
    line_id = post("Storm near", "--section", "environment", "--url", "https://news.example/2")
    assert system.tick("update", line_id, "-e", "en", "--url", "", "--section", "health").code == 0
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.url, line.section) == ("Storm near", None, "health")


def test_correction_keeps_its_reason_for_readers(system: System, post: Post) -> None:
    line_id = post("Three ferries damaged")
    ran = system.tick("correct", line_id, "Two ferries damaged", "-e", "en", "--reason", "We said three.")
    assert ran.out.startswith("corrected  en ")
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.correction, line.change) == ("Two ferries damaged", "We said three.", "correct")


def test_correction_needs_a_reason_and_a_note_does_not_count(system: System, post: Post) -> None:
    line_id = post("Three ferries damaged")
    ran = system.tick("correct", line_id, "Two", "-e", "en", "--note", "for us only")
    assert ran.code == 2
    assert "--reason" in one_line(ran)


def test_refile_leaves_no_correction(system: System, post: Post) -> None:
    line_id = post("Stomr here")
    assert system.tick("refile", line_id, "Storm here", "-e", "en").out.startswith("refiled  en ")
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.correction) == ("Storm here", None)


def test_withdrawal_prints_the_removed_text(system: System, post: Post) -> None:
    line_id = post("Dam breaks at Northam")
    ran = system.tick("withdraw", line_id, "-e", "en", "--reason", "It did not.")
    assert ran.code == 0
    assert ran.out.startswith("withdrawn  en ")
    assert '"Dam breaks at Northam"' in ran.out
    line = on_board(system, line_id)
    assert line is not None
    assert (line.status, line.text, line.correction) == ("canceled", "", "It did not.")
    assert "Dam breaks" not in system.tick("board", "-e", "en", "-n", "100").out


def test_withdrawal_needs_a_reason(system: System, post: Post) -> None:
    ran = system.tick("withdraw", post("Not so"), "-e", "en")
    assert ran.code == 2
    assert "--reason" in one_line(ran)


def test_hidden_line_is_off_the_board_until_unhide(system: System, post: Post) -> None:
    line_id = post("Names are known")
    assert system.tick("hide", line_id, "-e", "en", "--note", "police asked").out.startswith("off the board  en ")
    assert on_board(system, line_id) is None
    ran = system.tick("unhide", line_id, "-e", "en")
    assert re.match(r'on air again  en \d+  "Names are known"  ', ran.out), ran
    line = on_board(system, line_id)
    assert line is not None
    assert line.text == "Names are known"


def test_pinned_line_is_on_top_until_unpin(system: System, post: Post) -> None:
    line_id = post("Votes are counted")
    assert system.tick("pin", line_id, "-e", "en", "--for", "7d").code == 0  # longer than the pins of other tests
    post("Newer")
    first = system.tick("board", "-e", "en", "--json").json["lines"][0]
    assert system.tick("unpin", line_id, "-e", "en").code == 0
    assert first["id"] == line_id
    line = on_board(system, line_id)
    assert line is not None
    assert line.pinned_until is None


def test_change_of_an_older_version_is_refused(system: System, post: Post) -> None:
    line_id = post("First")
    assert system.tick("update", line_id, "Second", "-e", "en").code == 0
    ran = system.tick("update", line_id, "Third", "-e", "en", "--version", "1")
    assert ran.code == 3
    assert "version 1" in one_line(ran)
    assert "look at version 2" in ran.err


def test_last_is_the_line_that_the_editor_posted_last(system: System, post: Post) -> None:
    mine = post("Mine", editor="omar")
    post("Hers", editor="lina")
    assert system.tick("update", "last", "Mine, newer", "-e", "en", "--json", editor="omar").json["id"] == mine


def test_last_is_unknown_for_an_editor_without_a_post(system: System) -> None:
    ran = system.tick("withdraw", "last", "-e", "en", "--reason", "none", editor="newcomer")
    assert ran.code == 2
    assert "newcomer has posted nothing to en" in one_line(ran)


def test_prefix_of_an_id_names_its_line(system: System, post: Post) -> None:
    line_id = post("Cut short")
    assert system.tick("update", line_id[:7], "Cut", "-e", "en", "--json").json["id"] == line_id


def test_prefix_of_two_characters_is_too_short(system: System) -> None:
    ran = system.tick("update", "zz", "x", "-e", "en")
    assert ran.code == 2
    assert "too short for an id" in one_line(ran)


def test_unknown_id_is_a_usage_error(system: System) -> None:
    ran = system.tick("update", "zzzzzzzzzz", "x", "-e", "en")
    assert ran.code == 2
    assert "no line of en" in one_line(ran)
    assert "tick log" in ran.err


@pytest.mark.parametrize("command", ["update", "correct", "refile"])
def test_help_of_a_rewrite_says_which_fields_are_unchanged(command: str) -> None:
    shown = " ".join(run_program("tick", command, "--help", environ=environment()).out.split())
    assert "4 or routine. [default: unchanged]" in shown
    assert "es-MX. [default: unchanged]" in shown


def test_a_forgotten_line_is_withdrawn_by_its_whole_id(system: System) -> None:
    words = ("withdraw", "k7m2x9ab3c", "-e", "en", "--reason", "It was wrong")
    refused = system.tick(*words)
    assert refused.code == 2
    assert "--forgotten" in refused.err
    assert "whole id" in system.tick("withdraw", "k7m2", "-e", "en", "--reason", "x", "--forgotten").err
    ran = system.tick(*words, "--forgotten", "--json")
    assert ran.code == 0
    assert (ran.json["id"], ran.json["status"]) == ("k7m2x9ab3c", "on-air")
    assert on_board(system, "k7m2x9ab3c") is None
