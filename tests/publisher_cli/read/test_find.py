"""`tick find` finds lines and held items by their words, and `tick board` shows a selection."""

from __future__ import annotations

import pytest

from publisher_cli.words import has_words
from tests.support.commands import Post, one_line
from tests.support.system import System


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Harbour authority: Two ferries are damaged", "ferr"),
        ("Harbour authority: Two ferries are damaged", "damaged HARBOUR"),
        ("El régimen cayó", "regimen"),
        ("إغلاق الميناء بسبب العاصفة", "ميناء"),
        ("إغلاق الميناء", "اغلاق"),
        ("Budget of 1,200 million", "1200"),
    ],
)
def test_words_are_found_without_regard_to_case_accents_and_forms(text: str, wanted: str) -> None:
    assert has_words(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"), [("The airport is closed", "port"), ("Polls close", "polls open"), ("A", "!")]
)
def test_other_words_are_not_found(text: str, wanted: str) -> None:
    assert not has_words(text, wanted)


def test_find_shows_where_each_text_is(system: System, post: Post) -> None:
    shown, hidden, gone = (post(f"Zebra crossing {number}") for number in range(3))
    assert system.tick("hide", hidden, "-e", "en", "--no-reach").code == 0
    assert system.tick("withdraw", gone, "-e", "en", "--reason", "No.", "--no-reach").code == 0
    held = system.tick("post", "Cebra mañana", "-e", "es", "--at", "+3h", "--story", "zebra", "--json").json["held"]
    found = system.tick("find", "zebra", "--json").json["found"]
    assert [(each["id"], each["place"]) for each in found] == [(hidden, "hidden"), (shown, "on the board")]
    (row,) = system.tick("find", "cebra").out.splitlines()
    assert row.startswith(f"es  {held[:4]}  ")
    assert row.endswith("  scheduled  Cebra mañana")
    assert system.tick("find", "zebra", "-e", "ar").err == "0 texts have the words zebra\n"
    assert system.tick("cancel", held, "-e", "es").code == 0


def test_words_in_place_of_an_id_name_the_lines_that_have_them(system: System, post: Post) -> None:
    line_id = post("Yak herders: The pass is open")
    ran = system.tick("hide", "yak", "-e", "en")
    assert ran.code == 2
    assert f"type the id of the line with these words: {line_id} “\u2068The pass is open\u2069”" in one_line(ran)
    assert "find it by its words with `tick find`" in one_line(system.tick("hide", "xyzzy", "-e", "en"))


def test_board_shows_only_the_selected_lines(system: System, post: Post) -> None:
    sport = post("Xylophone final", "--section", "sports", "--urgency", "2")
    post("Xylophone tax", "--section", "economy", "--urgency", "2")

    def ids(*options: str) -> list[str]:
        return [line["id"] for line in system.tick("board", "-e", "en", "--json", *options).json["lines"]]

    assert ids("--section", "Sports")[0] == sport
    assert all(line != sport for line in ids("--section", "economy"))
    assert sport in ids("--urgency", "bulletin")
    assert sport not in ids("--urgency", "flash")
    assert (
        "this edition has no section 'sprots': use one of"
        in system.tick("board", "-e", "en", "--section", "sprots").err
    )
