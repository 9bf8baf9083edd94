"""Rules that ask: `tick` asks on a terminal, and elsewhere the desk refuses the line without --yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import short_folder
from tests.support.system import Ran, System, run_program
from tests.support.terminal import Terminal
from tests.support.waiting import until


@pytest.fixture(scope="module")
def strict() -> Iterator[System]:
    """A system with the house rules as they are by default."""
    with short_folder() as folder, System(folder, "--editions", "en") as running:
        yield running


def tick(system: System, *words: str) -> Ran:
    return run_program("tick", *words, environ={**system.environ, "TICK_EDITION": "en"}, says_yes=False)


def texts(system: System) -> list[str]:
    return [line["text"] for line in system.tick("board", "-e", "en", "--json").json["lines"]]


def test_short_line_is_refused_elsewhere_than_on_a_terminal_without_yes(strict: System) -> None:
    ran = tick(strict, "post", "Storm")
    assert ran.code == 3
    assert "the line has 1 word: write at least 3; --yes sends it as it is  [short]" in ran.err
    assert "Storm" not in texts(strict)
    assert tick(strict, "post", "Storm", "--yes").code == 0
    assert "Storm" in texts(strict)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3), ("\n", 3)])
def test_terminal_asks_before_a_short_line_is_sent(strict: System, answer: str, code: int) -> None:
    text = f"Flood {len(answer)}{code}"
    terminal = Terminal("tick", "post", text, "-e", "en", environ=strict.environ)
    until(lambda: "send it all the same? [y/N]" in terminal.seen, "it asks")
    assert text not in texts(strict)
    terminal.type(answer)
    assert terminal.wait() == code
    assert (text in texts(strict)) == (code == 0)


def test_batch_with_a_short_line_needs_yes(strict: System, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"text": "Quake"}\n{"text": "Harbour: Ferries stop until morning"}\n', encoding="utf-8")
    ran = tick(strict, "post", "--from", str(path))
    assert ran.code == 3
    assert "nothing was sent" in ran.err
    assert tick(strict, "post", "--from", str(path), "--yes").code == 0
    assert {"Quake", "Ferries stop until morning"} <= set(texts(strict))
    assert tick(strict, "post", "--from", str(path), "--yes").code == 0
    assert texts(strict).count("Quake") == 1


def test_batch_on_a_terminal_asks_once(strict: System, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"text": "Hail"}\n{"text": "Frost"}\n', encoding="utf-8")
    terminal = Terminal("tick", "post", "--from", str(path), "-e", "en", environ=strict.environ)
    until(lambda: "send 2 lines all the same? [y/N]" in terminal.seen, "it asks")
    terminal.type("y\n")
    assert terminal.wait() == 0
    assert {"Hail", "Frost"} <= set(texts(strict))
