"""What people see on a terminal, and programs don't: colours, tables as wide as it is, a live board."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.publisher_cli.conftest import Post
from tests.support.prefork import SCRIPTS
from tests.support.system import System
from tests.support.waiting import until

ESCAPE = "\x1b["


class Terminal:
    """A command on a terminal of `columns` by 24."""

    def __init__(self, script: str, *words: str, environ: Mapping[str, str], columns: int = 80) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [SCRIPTS / script, *words],
            env={**environ, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self._pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._ours, 65536):
                self._pieces.append(piece)
        except OSError:  # Linux: the other end is closed
            return

    @property
    def seen(self) -> str:
        return b"".join(self._pieces).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait(self) -> int:
        code = self.process.wait(30)
        self._thread.join(30)
        os.close(self._ours)
        return code


def test_a_receipt_stands_out_by_colour_and_not_where_no_color_is_set(system: System) -> None:
    terminal = Terminal("tick", "post", "Bright", "-e", "en", environ=system.environ)
    assert terminal.wait() == 0
    assert f"{ESCAPE}32m{ESCAPE}1mon air{ESCAPE}0m" in terminal.seen
    terminal = Terminal("tick", "post", "Plain", "-e", "en", environ={**system.environ, "NO_COLOR": "1"})
    assert terminal.wait() == 0
    assert ESCAPE not in terminal.seen


@pytest.mark.parametrize("columns", [80, 120])
def test_the_board_is_wrapped_in_the_terminal_s_width(system: System, post: Post, columns: int) -> None:
    post("quokka " * 21 + "quokka")
    environ = {**system.environ, "NO_COLOR": "1"}
    terminal = Terminal("tick", "board", "-e", "en", "-n", "20", environ=environ, columns=columns)
    assert terminal.wait() == 0
    lines = [line.rstrip() for line in terminal.seen.splitlines() if "quokka" in line]
    lines = lines[: 3 if columns == 80 else 2]  # the newest line's: the other test has posted it too
    assert len(lines) >= 2
    assert all(len(line) <= columns for line in lines)
    indent = lines[0].index("quokka")
    assert all(line[:indent].isspace() for line in lines[1:])


def test_the_live_board_always_shows_how_the_connection_is(system: System, post: Post) -> None:
    terminal = Terminal("tick", "watch", "-e", "en", environ=system.environ)
    until(lambda: "● live" in terminal.seen, "it is live")
    line_id = post("On the live board")
    until(lambda: "On the live board" in terminal.seen, "the line shows")
    assert line_id[:4] in terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 0
    assert terminal.seen.rstrip().endswith(f"{ESCAPE}?25h") or f"{ESCAPE}?1049l" in terminal.seen  # as it was before


def test_rotate_asks_a_person_and_takes_no_for_an_answer(system: System) -> None:
    terminal = Terminal("ticker", "rotate", "es", environ=system.environ)
    until(lambda: "begin a new log? [y/N]" in terminal.seen, "it asks")
    terminal.type("n\n")
    assert terminal.wait() == 2
    assert "nothing was done" in terminal.seen


def test_a_new_system_says_what_to_do_next(folder: Path) -> None:
    system = System(folder)
    terminal = Terminal("ticker", *system.words, environ=system.environ)
    until(lambda: "Ctrl-C" in terminal.seen, "the next steps")
    url = re.search(r"ready (http://\S+)", terminal.seen)
    assert url is not None
    assert f"open    {url[1]}/" in terminal.seen
    assert "tick post" in terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 0
    assert "letting readers go" in terminal.seen
