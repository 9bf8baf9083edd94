"""`tick board`, `tick log` and `tick editions`."""

from __future__ import annotations

import re

from tests.support.commands import Post, one_line
from tests.support.system import System
from ticker.core.position import Position


def test_board_shows_the_newest_line_first(system: System, post: Post) -> None:
    post("Older here")
    newer = post("Newer here", "--urgency", "1")
    ran = system.tick("board", "-e", "en", "-n", "5")
    lines = [line for line in ran.out.splitlines() if "here" in line]
    assert ran.code == 0
    assert re.fullmatch(rf"{newer[:4]}\w*  \d\d:\d\d:\d\d  FLASH  Newer here", lines[0])
    assert "Older here" in lines[1]


def test_json_board_is_the_message_that_readers_get(system: System, post: Post) -> None:
    line_id = post("For programs")
    board = system.tick("board", "-e", "en", "--json").json
    assert board["type"] == "board"
    assert board["edition"] == {"name": "en", "title": "Breaking news", "lang": "en", "dir": "ltr"}
    assert next(line["id"] for line in board["lines"] if "pinned_until" not in line) == line_id
    assert Position.parse(board["position"]).seq > 0


def test_log_shows_each_version_with_its_editor(system: System, post: Post) -> None:
    line_id = post("Versions", editor="omar")
    assert system.tick("update", line_id, "Versions, newer", "-e", "en", "--note", "phoned").code == 0
    first, second = system.tick("log", "-e", "en", "-n", "2").out.splitlines()
    assert re.fullmatch(r"\d+  \d\d:\d\d:\d\d  \w+  v1  new  omar  Versions", first)
    assert re.fullmatch(r"\d+  \d\d:\d\d:\d\d  \w+  v2  update  maha  Versions, newer  \[note: phoned\]", second)


def test_json_log_has_consecutive_positions(system: System, post: Post) -> None:
    for number in range(3):
        post(f"Entry {number}")
    document = system.tick("log", "-e", "en", "-n", "3", "--json").json
    seqs = [Position.parse(entry["position"]).seq for entry in document["entries"]]
    assert document["edition"] == "en"
    assert seqs == list(range(seqs[0], seqs[0] + 3))


def test_empty_log_suggests_a_first_post(system: System) -> None:
    ran = system.tick("log", "-e", "ar", "-n", "1")
    if ran.out:  # another test has posted there
        return
    assert 'tick post "…" -e ar' in one_line(ran)


def test_editions_show_their_sections(system: System) -> None:
    ran = system.tick("editions")
    assert ran.code == 0
    assert "en  Breaking news  en ltr" in ran.out
    assert "politics, economy" in ran.out
    names = [edition["name"] for edition in system.tick("editions", "--json").json["editions"]]
    assert names == ["en", "ar", "es"]


def test_editions_show_the_names_that_an_editor_may_type(system: System) -> None:
    sections = [line for line in system.tick("editions").out.splitlines() if line.startswith("    sections")]
    assert "economy (Economía), " in sections[2]
    assert "sports, arts-culture (Arts & Culture), health" in sections[0]
