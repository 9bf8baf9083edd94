"""`tick log --ninjs` and `tick post --ninjs`: the lines of one system arrive in another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.feed_readers import ninjs_validator
from tests.support.servers import short_folder
from tests.support.system import System, settings_without

FIELDS: Final = ("text", "attribution", "lang", "dir", "urgency", "section", "regions", "coverage", "url", "expires_at")


@pytest.fixture(scope="module")
def copies() -> Iterator[System]:
    """A system of its own: only the edition `es` is another's copy."""
    with short_folder() as folder:
        settings = settings_without(folder, "duplicate", "short", "script")
        with System(folder, TICKER_SETTINGS=settings, TICKER_PUBLIC_URL="https://news.example") as running:
            yield running


def board(system: System, edition: str) -> list[dict[str, Any]]:
    lines = system.tick("board", "-e", edition, "--json").json["lines"]
    return [{name: line.get(name) for name in FIELDS} for line in lines]


def test_exported_lines_are_valid_and_arrive_with_the_same_fields(copies: System, tmp_path: Path) -> None:
    def tick(*words: str) -> str:
        ran = copies.tick(*words)
        assert ran.code == 0, ran
        return ran.out

    options = ["--section", "politics", "--region", "europe", "--story", "vote", "--url", "https://news.example/a"]
    tick("post", "Met office: Polls close: first results", "-e", "en", "--expires", "12h", *options)
    tick("post", "Ferries stop until morning", "-e", "en", "--urgency", "2")
    wrong = json.loads(tick("post", "Bridge falls into the river", "-e", "en", "--json"))["id"]
    tick("withdraw", wrong, "-e", "en", "--reason", "It stands.")
    exported = tick("log", "-e", "en", "--ninjs")
    items = [json.loads(line) for line in exported.splitlines()]
    for item in items:
        ninjs_validator().validate(item)
    assert [item["pubStatus"] for item in items] == ["usable", "usable", "canceled"]
    assert "Bridge" not in exported
    assert items[0]["uri"].startswith("tag:news.example,2026:ticker/en/")
    assert json.loads(tick("log", "-e", "en", "--ninjs", "--json")) == items
    file = tmp_path / "lines.ninjs"
    file.write_text(exported, encoding="utf-8")
    ran = copies.tick("post", "--ninjs", str(file), "-e", "es")
    assert (ran.code, "left out: 1 item" in ran.err) == (0, True), ran
    assert board(copies, "es") == [line for line in board(copies, "en") if line["text"]]
    again = copies.tick("post", "--ninjs", str(file), "-e", "es")
    assert again.code == 0
    assert len(board(copies, "es")) == 2  # a second run posts nothing again


def test_file_with_an_article_is_refused_and_nothing_is_posted(copies: System, tmp_path: Path) -> None:
    item = {"uri": "a:1", "versionCreated": "2026-11-26T12:00:00Z", "headlines": [{"value": "Storm Ada nears"}]}
    file = tmp_path / "agency.json"
    file.write_text(json.dumps([item, {**item, "uri": "a:2", "bodies": [{"value": "x"}]}]), encoding="utf-8")
    before = board(copies, "ar")
    ran = copies.tick("post", "--ninjs", str(file), "-e", "ar")
    assert ran.code == 3, ran
    assert "$[1].bodies: a line has nothing like it" in ran.out + ran.err
    assert board(copies, "ar") == before
    assert copies.tick("post", "--ninjs", str(file), "--from", str(file), "-e", "ar").code == 2
