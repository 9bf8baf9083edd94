"""Test editions: their lines are marked, and never mixed with public ones."""

from __future__ import annotations

from typing import Any

from tests.support.audit_system import SETTINGS, tick_json
from tests.support.system import System


def test_test_edition_is_marked_in_every_output(audit_system: System) -> None:
    posted = audit_system.tick("post", "A rehearsal of the evening", "-e", "rehearsal")
    assert posted.out.startswith("on air  rehearsal [TEST] ")
    assert tick_json(audit_system, "post", "Once more", "-e", "rehearsal")["test"] is True
    assert audit_system.tick("post", "x" * 200, "-e", "rehearsal").err.startswith("refused  rehearsal [TEST] ")
    for words in (("board",), ("log",), ("audit",), ("pending",), ("scheduled",)):
        assert audit_system.tick(*words, "-e", "rehearsal").err.startswith("rehearsal [TEST]  "), words
    assert audit_system.tick("reach", "last", "-e", "rehearsal").out.startswith("rehearsal [TEST]  ")
    assert "rehearsal [TEST]  Rehearsal" in audit_system.tick("editions").out
    assert "[TEST]" not in audit_system.tick("board", "-e", "en").err


def test_withdrawal_in_a_test_edition_lists_no_public_line(audit_system: System) -> None:
    story = ("--story", "storm-odile")
    tick_json(audit_system, "post", "العاصفة تقترب من الساحل", "-e", "ar", *story)
    line = tick_json(audit_system, "post", "Storm nears, in the rehearsal", "-e", "rehearsal", *story)["id"]
    withdrawn = tick_json(audit_system, "withdraw", line, "-e", "rehearsal", "--reason", "A rehearsal")
    assert withdrawn["related"] == []


def test_system_refuses_to_make_a_test_edition_public(folder: Any) -> None:
    settings = folder / "ticker.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    with System(folder, "--settings", str(settings)) as system:
        tick_json(system, "post", "A rehearsal", "-e", "rehearsal")
    settings.write_text(SETTINGS.replace("test = true", "test = false"), encoding="utf-8")
    ran = system.ticker(*system.words)
    assert ran.code == 2
    assert "edition rehearsal is a test edition and in use, but the settings make it public" in ran.err
    assert "Traceback" not in ran.err
