"""The receipt of a change shows the line before the change, and each changed field."""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import Post
from tests.support.system import System
from tests.support.terminal import Terminal
from tests.support.waiting import until


def test_receipt_of_a_change_shows_the_text_that_it_replaced(system: System, post: Post) -> None:
    line_id = post("Seismological institute: Quake off Sarune")
    ran = system.tick("update", line_id, "Weather office: Storm nears the coast, ferries stop", "-e", "en")
    assert ran.code == 0
    assert "\n  before: Seismological institute: Quake off Sarune\n" in ran.out


def test_receipt_of_a_change_shows_each_field_that_it_changed(system: System, post: Post) -> None:
    line_id = post("Harbour: Ferries run again tonight", "--section", "economy")
    ran = system.tick(
        "update",
        line_id,
        "-e",
        "en",
        "--urgency",
        "urgent",
        "--section",
        "",
        "--region",
        "Europe",
        "--story",
        "ferries",
    )
    assert ran.code == 0
    assert "before" not in ran.out
    assert (
        "\n  urgency: 4 → 3\n  section: economy → none\n  regions: none → Europe\n  story: none → ferries\n" in ran.out
    )


def test_receipt_names_nothing_that_stays_the_same(system: System, post: Post) -> None:
    line_id = post("Harbour: Ferry to Sarune is late")
    ran = system.tick("update", line_id, "Harbour: Ferry to Sarune is late", "-e", "en", "--urgency", "2")
    assert ran.code == 0
    assert "before" not in ran.out
    assert "\n  urgency: 4 → 2\n" in ran.out


def test_editor_who_does_not_confirm_is_told_that_nothing_was_sent(folder: Path) -> None:
    with System(folder) as system:  # with the default rules: `short` asks
        terminal = Terminal("tick", "post", "hello", "-e", "en", environ=system.environ)
        until(lambda: "send it all the same?" in terminal.seen, "it asks")
        terminal.type("\n")
        assert terminal.wait() == 3
        assert "nothing was sent" in terminal.seen
