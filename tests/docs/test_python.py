"""The examples of docs/python.md run as programs against a real system, and print what the page promises."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

import ticker.client
from tests.support.doc_examples import examples
from tests.support.servers import short_folder
from tests.support.system import System, settings_without
from tests.support.waiting import until
from ticker.client import Publisher

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCKS = list(examples(PAGE, "python", "text"))
FOLLOW, FLASH, BOARD, RESUME, *_ = (block.text for block in BLOCKS if block.kind == "python")
(POST,) = (block.text for block in BLOCKS if "Polls close" in block.text and block.kind == "python")
ANSWERED = [
    (program.text, answer.text)
    for program, answer in pairwise(BLOCKS)
    if answer.kind == "text" and program.text != BOARD
]
"""The programs that always print the same, and what the page shows below them."""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with short_folder() as folder:
        settings = Path(settings_without(folder, "duplicate", "short", "attribution"))
        text = settings.read_text(encoding="utf-8")
        held = text.replace("[editions.es]", '[editions.es]\nsecond_person = ["flash"]')
        settings.write_text(held, encoding="utf-8")
        with System(folder, TICKER_SETTINGS=str(settings)) as running:
            yield running


class Script:
    """A program from the page, while it runs: `out` is what it has printed."""

    def __init__(self, system: System, text: str, folder: Path) -> None:
        self.out: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", text.replace("http://127.0.0.1:8080", system.url)],
            env={**system.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self._thread = Thread(target=self._copy, args=(self.process.stdout,), daemon=True)
        self._thread.start()

    def _copy(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self.out.append(line.rstrip("\n"))

    def until(self, text: str) -> None:
        until(lambda: any(text in line for line in list(self.out)), f"{text!r} in {self.out}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._thread.join(15)

    def wait(self) -> list[str]:
        assert self.process.wait(60) == 0
        self._thread.join(15)
        return self.out


def post(system: System, text: str, *options: str) -> str:
    ran = system.tick("post", text, "-e", "en", "--json", "--again", *options)
    assert ran.code == 0, ran
    line_id: str = ran.json["id"]
    return line_id


def test_following_prints_the_board_and_each_change(system: System, tmp_path: Path) -> None:
    post(system, "On the board")
    script = Script(system, FOLLOW, tmp_path)
    script.until("the board: [")
    line_id = post(system, "A change")
    script.until(f"new {line_id} A change")
    script.stop()
    assert "On the board" in script.out[0]


def test_waiting_for_a_flash_ends_with_its_text(system: System, tmp_path: Path) -> None:
    script = Script(system, FLASH, tmp_path)
    numbers = iter(range(1000))

    def is_over() -> bool:
        # The program may not be connected yet, so flashes come until one reaches it.
        post(system, f"A flash {next(numbers)}", "--urgency", "1")
        return script.process.poll() is not None

    until(is_over, "the program has ended")
    (text,) = script.wait()
    assert text.startswith("A flash ")


def test_a_restarted_program_resumes_after_its_position(system: System, tmp_path: Path) -> None:
    position = tmp_path / "position.txt"
    script = Script(system, RESUME, tmp_path)
    until(lambda: position.exists() and position.read_text() != "", "the program has a position")
    first = position.read_text()
    post(system, "While the program runs")
    script.until("While the program runs")
    # The program prints a line before it writes the position, and the file is empty for a moment.
    until(lambda: position.read_text() not in {"", first}, "the program has written the position of the line")
    script.stop()
    post(system, "While the program is stopped")
    script = Script(system, RESUME, tmp_path)
    script.until("While the program is stopped")
    script.stop()
    assert script.out == ["While the program is stopped"]


def test_a_restarted_program_reports_a_reset(system: System, tmp_path: Path) -> None:
    (tmp_path / "position.txt").write_text("7-0123456789abcdef", encoding="utf-8")
    script = Script(system, RESUME, tmp_path)
    script.until("start again from this board: replaced")
    script.stop()


def test_posting_prints_the_id_of_a_line_on_air(system: System, tmp_path: Path) -> None:
    (line,) = Script(system, POST, tmp_path).wait()
    line_id = line.removeprefix("on air: ")
    assert line_id in system.tick("board", "-e", "en", "--json").out


def test_board_is_printed_as_on_the_page(system: System, tmp_path: Path) -> None:
    (answer,) = (answer.text for program, answer in pairwise(BLOCKS) if program.text == BOARD)
    post(system, "Polls close in Valmora")
    post(system, "Rail operator: Night trains return in March")
    assert Script(system, BOARD, tmp_path).wait() == answer.splitlines()


@pytest.mark.parametrize("number", range(len(ANSWERED)))
def test_program_prints_what_the_page_shows_below_it(system: System, tmp_path: Path, number: int) -> None:
    program, answer = ANSWERED[number]
    out = Script(system, program, tmp_path).wait()
    assert [line.replace(system.url, "http://127.0.0.1:8080") for line in out] == answer.splitlines()


def test_every_public_name_of_the_client_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    programs = "".join(block.text for block in BLOCKS if block.kind == "python")
    methods = [name for name, each in vars(Publisher).items() if inspect.iscoroutinefunction(each) and name[0] != "_"]
    assert [name for name in methods if f".{name}(" not in programs and name != "submit"] == []
    assert [name for name in ticker.client.__all__ if name not in page] == []
