"""`tick desk` on a real terminal, with a whole running system."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import short_folder
from tests.support.system import System
from tests.support.terminal import ESCAPE, Terminal
from tests.support.waiting import until

LEFT_SCREEN = f"{ESCAPE}?1049l"


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with short_folder() as folder, System(folder, "--editions", "en,es") as running:
        yield running


def test_tick_without_arguments_runs_the_terminal_application_and_restores_the_terminal(system: System) -> None:
    terminal = Terminal("tick", environ={**system.environ, "TICK_EDITION": "en", "TICK_EDITOR": "maha"})
    until(lambda: "● live" in terminal.seen, "it is live")
    terminal.type("Harbour: Ferries stop\r")
    until(lambda: "ON AIR" in terminal.seen, "the line is on air")
    assert system.tick("board", "-e", "en", "--json").json["lines"][0]["text"] == "Ferries stop"
    terminal.type("\x11")
    assert terminal.wait() == 0
    assert LEFT_SCREEN in terminal.seen


def test_line_that_was_typed_with_enter_before_the_application_opened_stays_until_enter_is_pressed(
    system: System,
) -> None:
    terminal = Terminal("tick", environ={**system.environ, "TICK_EDITION": "en", "TICK_EDITOR": "maha"})
    terminal.type("Typed ahead: Nobody has read it\r")  # the terminal turns Enter into a line feed
    until(lambda: "there is no connection yet" in terminal.seen, "it explains")
    until(lambda: "● live" in terminal.seen, "it is live")
    assert "Nobody has read it" not in str(system.tick("log", "-e", "en", "--json").json)
    terminal.type("\r")
    until(lambda: "ON AIR" in terminal.seen, "the line is on air")
    terminal.type("\x11")
    assert terminal.wait() == 0


def test_tick_alone_opens_the_edition_that_was_used_last(system: System, tmp_path: Path) -> None:
    environ = {**system.environ, "TICKER_CONFIG": str(tmp_path)}
    assert Terminal("tick", "board", "-e", "es", environ=environ).wait() == 0
    terminal = Terminal("tick", environ=environ)
    until(lambda: "Última hora" in terminal.seen, "the Spanish edition")
    terminal.type("\x11")
    assert terminal.wait() == 0
    assert "Breaking news" not in terminal.seen


def test_a_script_does_not_change_the_edition_that_was_used_last(system: System, tmp_path: Path) -> None:
    assert system.tick("board", "-e", "es", TICKER_CONFIG=str(tmp_path)).code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_to_end_restores_the_terminal_and_prints_the_unsent_text(system: System, number: signal.Signals) -> None:
    terminal = Terminal("tick", "desk", "-e", "en", environ=system.environ)
    until(lambda: "● live" in terminal.seen, "it is live")
    terminal.type("Never sent")
    until(lambda: "10/160" in terminal.seen, "it is typed")
    terminal.process.send_signal(number)
    assert terminal.wait() == 0
    assert terminal.seen.partition(LEFT_SCREEN)[2].strip().endswith("not sent: Never sent")


def test_without_a_terminal_tick_prints_help_and_tick_desk_an_error(system: System) -> None:
    bare = system.tick()
    assert (bare.code, bare.out) == (2, "")
    assert "Usage: tick" in bare.err
    desk = system.tick("desk")
    assert desk.code == 2
    assert "`tick desk` needs a terminal" in desk.err


def test_application_runs_without_colors(system: System) -> None:
    terminal = Terminal("tick", "desk", "-e", "en", environ={**system.environ, "NO_COLOR": "1"})
    until(lambda: "● live" in terminal.seen, "it is live")
    terminal.type("\x11")
    assert terminal.wait() == 0


def test_tick_post_does_not_import_textual(system: System) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "publisher_cli.cli", "post", "A short line", "-e", "en"]
    ran = subprocess.run(words, env=system.environ, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran
    assert "publisher_cli.submit.change" in ran.stderr
    assert "textual" not in ran.stderr
