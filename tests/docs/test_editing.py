"""Run the examples of docs/editing.md in a shell, and compare their output with the page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher_cli.exit_codes import Status
from tests.support.prefork import SCRIPTS
from tests.support.servers import short_folder
from tests.support.system import System

PAGE = Path(__file__).resolve().parents[2] / "docs" / "editing.md"

_SHOWN_ID = re.compile(r"\(id ([0-9a-z]{10})\)|\"id\":\"([0-9a-z]{10})\"")
# Parts that differ between runs: how the page shows them, and a pattern for the real output.
_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\d"), r"\d{4}-\d\d-\d\d"),
    (re.compile(r"\d\d:\d\d:\d\d"), r"\d\d:\d\d:\d\d"),
    (re.compile(r"\d+ readers?(?= ·)"), r"\d+ readers?"),
    (re.compile(r"· \d+ ms"), r"· (under )?\d+ ms"),
    (re.compile("…"), ".*"),
)


def examples() -> list[tuple[str, list[str]]]:
    """Return each command of the page with its output lines."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.fixture
def fresh_system() -> Iterator[System]:
    with short_folder() as folder, System(folder) as running:
        yield running


def matches(shown: str, line: str) -> bool:
    return re.fullmatch(_pattern(shown), line) is not None


def _pattern(text: str) -> str:
    for shown, pattern in _VARIES:
        if match := shown.search(text):
            return f"{_pattern(text[: match.start()])}{pattern}{_pattern(text[match.end() :])}"
    return re.escape(text)


def test_every_example_prints_what_the_page_shows(fresh_system: System) -> None:
    environ = {**fresh_system.environ, "PATH": f"{SCRIPTS}:{fresh_system.environ['PATH']}"}
    real: dict[str, str] = {}  # ids on the page, whole and shortened, and the ids of this run
    assert len(examples()) > 10
    for command, shown in examples():
        for name, value in real.items():
            command = re.sub(rf"\b{name}\b", value, command)  # noqa: PLW2901 -- the same command with this run's ids
        done = subprocess.run(
            ["bash", "-c", command], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        # The first line of a board goes to standard error, because programs read standard output.
        output = [*done.stderr.splitlines(), *done.stdout.splitlines()]
        output = [line for line in output if not line.startswith("connecting to")]
        status = Status.HELD if shown and shown[0].startswith("held") else Status.DONE
        assert done.returncode == status, (command, output)
        assert len(output) == len(shown), (command, output)
        for expected, line in zip(shown, output, strict=True):
            as_shown = line
            if (here := _SHOWN_ID.search(line)) and (there := _SHOWN_ID.search(expected)):
                theirs, ours = (match[1] or match[2] for match in (there, here))
                real |= {theirs: ours, theirs[:4]: ours[:4]}
            for name, value in real.items():
                as_shown = as_shown.replace(value, name)
            assert matches(expected, as_shown), (command, expected, as_shown)


def test_the_page_lists_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == [status.value for status in Status]


def test_the_comparison_detects_differences() -> None:
    assert matches("on air  en 1 · 0 readers · 2 ms", "on air  en 1 · 12 readers · under 1 ms")
    assert not matches("on air  en 1 · 0 readers · 2 ms", "on air  en 2 · 0 readers · 2 ms")
    assert not matches("k7m2  10:30:00  FLASH", "k7m2  10:30  FLASH")
