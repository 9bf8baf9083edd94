"""Output on a terminal: colours, tables that fill its width, the live board and prompts."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.commands import Post
from tests.support.system import System
from tests.support.terminal import ESCAPE, Terminal
from tests.support.waiting import until


def test_receipt_is_coloured_unless_no_color_is_set(system: System) -> None:
    terminal = Terminal("tick", "post", "Bright", "-e", "en", environ=system.environ)
    assert terminal.wait() == 0
    assert f"{ESCAPE}1;32mon air{ESCAPE}0m" in terminal.seen
    terminal = Terminal("tick", "post", "Plain", "-e", "en", environ={**system.environ, "NO_COLOR": "1"})
    assert terminal.wait() == 0
    assert ESCAPE not in terminal.seen


@pytest.mark.parametrize("columns", [80, 120])
def test_board_is_wrapped_in_the_terminals_width(system: System, post: Post, columns: int) -> None:
    post("quokka " * 21 + "quokka")
    environ = {**system.environ, "NO_COLOR": "1"}
    terminal = Terminal("tick", "board", "-e", "en", "-n", "20", environ=environ, columns=columns)
    assert terminal.wait() == 0
    lines = [line.rstrip() for line in terminal.seen.splitlines() if "quokka" in line]
    lines = lines[: 3 if columns == 80 else 2]  # only the newest line: another case posts the same text
    assert len(lines) >= 2
    assert all(len(line) <= columns for line in lines)
    indent = lines[0].index("quokka")
    assert all(line[:indent].isspace() for line in lines[1:])


def test_live_board_shows_the_state_of_the_connection(system: System, post: Post) -> None:
    terminal = Terminal("tick", "watch", "-e", "en", environ=system.environ)
    until(lambda: "● live" in terminal.seen, "the board is live")
    line_id = post("On the live board")
    until(lambda: "On the live board" in terminal.seen, "the line shows")
    assert line_id[:4] in terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 0
    assert terminal.seen.rstrip().endswith(f"{ESCAPE}?25h") or f"{ESCAPE}?1049l" in terminal.seen  # as it was before


def test_rotate_asks_for_confirmation_and_accepts_no(system: System) -> None:
    terminal = Terminal("ticker", "rotate", "es", environ=system.environ)
    until(lambda: "begin a new log? [y/N]" in terminal.seen, "it asks")
    terminal.type("n\n")
    assert terminal.wait() == 2
    assert "nothing was done" in terminal.seen


def test_a_system_that_is_stopped_says_what_it_waits_for(folder: Path) -> None:
    system = System(folder)
    terminal = Terminal("ticker", *system.words, environ=system.environ)
    until(lambda: "Ctrl-C" in terminal.seen, "the next steps")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 0
    assert "closing the readers' connections" in terminal.seen
