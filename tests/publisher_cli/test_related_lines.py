"""Related lines: a withdrawal or a correction lists the lines of the same story in other editions."""

from __future__ import annotations

import re
import shlex

from publisher_cli.history import RelatedLine
from publisher_cli.output.messages import related_lines
from tests.support.commands import Post, on_board
from tests.support.system import System
from ticker.core.line import Change, Direction
from ticker.core.submission import Submission


def test_withdrawal_lists_related_lines_with_the_command_that_withdraws_each(system: System, post: Post) -> None:
    english = post("Dam breaks at Valmora", "--story", "dam-1")
    arabic = post("انهيار سد", "--story", "dam-1", edition="ar", editor="huda")
    spanish = post("Se rompe la presa", "--story", "dam-1", edition="es", editor="luz")
    post("Another story", "--story", "dam-2", edition="es")
    ran = system.tick("withdraw", english, "-e", "en", "--reason", "It holds.")
    assert ran.code == 0
    assert ran.out.startswith("withdrawn  en ")
    assert ran.err.splitlines() == [
        "  still on air in other editions, of the same story (2 lines):",
        "    ar  \u2067انهيار سد\u2069",
        f"      tick withdraw {arabic} -e ar --reason",
        "    es  Se rompe la presa",
        f"      tick withdraw {spanish} -e es --reason",
    ]
    # The command can't run without a reason in the readers' language.
    assert system.tick("withdraw", arabic, "-e", "ar", "--reason").code == 2
    assert system.tick("withdraw", arabic, "-e", "ar", "--reason", "السد سليم").code == 0
    again = system.tick("withdraw", spanish, "-e", "es", "--reason", "Resiste.", "--json")
    assert again.json["related"] == []


def test_json_correction_lists_related_lines(system: System, post: Post) -> None:
    english = post("Three hurt in Port Isel", "--story", "crash-1")
    spanish = post("Tres heridos", "--story", "crash-1", edition="es")
    gone = post("Cuatro heridos", "--story", "crash-1", edition="es")
    assert system.tick("withdraw", gone, "-e", "es", "--reason", "Eran tres.").code == 0
    ran = system.tick("correct", english, "Two hurt", "-e", "en", "--reason", "We said three.", "--json")
    assert ran.json["related"] == [
        {
            "edition": "es", "id": spanish, "version": 1, "text": "Tres heridos", "lang": "es", "dir": "ltr",
            "is_same_language": False,
        }
    ]  # fmt: skip


def test_line_without_a_story_has_no_related_lines_and_an_update_lists_none(system: System, post: Post) -> None:
    alone = post("No story")
    assert system.tick("withdraw", alone, "-e", "en", "--reason", "x", "--json").json["related"] == []
    english, _ = post("A story", "--story", "s-1"), post("Una historia", "--story", "s-1", edition="es")
    ran = system.tick("update", english, "More of it", "-e", "en", "--json")
    assert "related" not in ran.json


def test_update_sets_and_removes_a_story(system: System, post: Post) -> None:
    line_id = post("Later a story")
    assert system.tick("update", line_id, "-e", "en", "--story", "later").code == 0
    line = on_board(system, line_id)
    assert line is not None
    assert line.coverage == "later"
    assert system.tick("update", line_id, "-e", "en", "--story", "").code == 0
    line = on_board(system, line_id)
    assert line is not None
    assert line.coverage is None


RELATED = RelatedLine(
    edition="en-sport", id="k7m2", version=1, text="It's up", lang="en", dir=Direction.LTR, is_same_language=True
)


def suggested(request: Submission) -> list[str]:
    return shlex.split(list(related_lines([RELATED], request))[-1])


def test_command_includes_the_reason_if_the_language_is_the_same() -> None:
    request = Submission(key="k", change=Change.WITHDRAW, reason="It isn't so.")
    assert suggested(request) == ["tick", "withdraw", "k7m2", "-e", "en-sport", "--reason", "It isn't so."]


def test_suggested_correction_has_the_present_text_and_can_not_run_without_a_reason() -> None:
    request = Submission(key="k", change=Change.CORRECT, reason="It isn't so.")
    assert suggested(request) == ["tick", "correct", "k7m2", "It's up", "-e", "en-sport", "--reason"]


def test_withdrawal_prints_how_many_screens_removed_it(system: System, post: Post) -> None:
    ran = system.tick("withdraw", post("A rumour"), "-e", "en", "--reason", "Unconfirmed.")
    assert re.search(r" · gone from \d+ readers?'s? screens? · 1 gateway · (under 1|\d+) ms$", ran.out), ran
