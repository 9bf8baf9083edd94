"""A change of a line that its editor names by a word: a terminal asks, and everything else refuses."""

from __future__ import annotations

import pytest

from tests.support.commands import on_board, one_line
from tests.support.system import System
from tests.support.terminal import Terminal
from tests.support.waiting import until


def post(system: System, text: str, edition: str = "en") -> str:
    line_id: str = system.tick("post", text, "-e", edition, "--json").json["id"]
    return line_id


def ask(system: System, answer: str, *words: str, question: str) -> tuple[int, str]:
    environ = {**system.environ, "TICK_EDITOR": "maha"}
    terminal = Terminal("tick", *words, environ=environ, columns=200)
    until(lambda: question in terminal.seen, "it asks")
    terminal.type(f"{answer}\r")
    return terminal.wait(), terminal.seen


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_terminal_asks_before_it_changes_the_only_line_with_a_word(system: System, answer: str, code: int) -> None:
    line = post(system, f"Zoo: A Kestrel{answer}x hatches at dawn")
    words = ("withdraw", f"kestrel{answer}x", "-e", "en", "--reason", "It was another bird.")
    ended, seen = ask(system, answer, *words, question=f"withdraw en {line}")
    assert ended == code, seen
    assert f"Kestrel{answer}x hatches at dawn" in seen.partition("[y/N]")[0]
    shown = on_board(system, line)
    assert shown is not None
    assert bool(shown.text) == (code != 0)
    assert ("nothing was sent" in seen) == (code != 0)


def test_arabic_word_finds_the_line(system: System) -> None:
    line = post(system, "الميناء: السفينة البيضاء تغادر", "ar")
    ended, seen = ask(system, "y", "pin", "البيضاء", "-e", "ar", "--for", "2h", question=f"pin ar {line}")
    assert ended == 0, seen


def test_command_without_a_terminal_refuses_a_word_and_names_the_id(system: System) -> None:
    line = post(system, "Observatory: A Comet passes the moon")
    ran = system.tick("hide", "comet", "-e", "en")
    assert ran.code == 2
    assert f"type the id of the line with these words: {line}" in one_line(ran)
    assert on_board(system, line) is not None


def test_word_of_several_lines_is_refused_on_a_terminal(system: System) -> None:
    first, second = (post(system, f"Harvest: Plums are {taste} this year") for taste in ("sweeter", "sour"))
    terminal = Terminal("tick", "hide", "plums", "-e", "en", environ=system.environ, columns=200)
    assert terminal.wait() == 2
    assert first in terminal.seen
    assert second in terminal.seen
    assert "[y/N]" not in terminal.seen


def test_word_of_a_hidden_line_finds_it(system: System) -> None:
    line = post(system, "Aquarium: An Octopus opens a jar")
    assert system.tick("hide", line, "-e", "en").code == 0
    ended, seen = ask(system, "y", "unhide", "octopus", "-e", "en", question=f"unhide en {line}")
    assert ended == 0, seen
