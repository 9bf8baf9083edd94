"""Completion in real shells without any configuration, as docs/editing.md says to set it up."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from publisher_cli.shells import Bash, Fish, edition_on_the_line
from tests.support.commands import Post
from tests.support.prefork import SCRIPTS
from tests.support.programs import program
from tests.support.system import System
from tests.support.terminal import Terminal
from tests.support.waiting import until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "editing.md"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


@pytest.fixture
def home(system: System, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a new user: an empty home folder, and `tick` on PATH."""
    return {**system.environ, "HOME": str(tmp_path), "PATH": f"{SCRIPTS}:{system.environ['PATH']}"}


def set_up(shell: str, environ: dict[str, str]) -> None:
    """Run the command that the page shows for this shell."""
    row = re.search(rf"^\| {shell} \| `(.+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    for file in (".bashrc", ".zshrc"):
        Path(environ["HOME"], file).write_text("PS1='READY> '\n", encoding="utf-8")
    # fish makes this folder when it is started for the first time.
    Path(environ["HOME"], ".config/fish/completions").mkdir(parents=True)
    subprocess.run(["bash", "--norc", "-c", row[1]], env=environ, check=True, timeout=60)


@contextmanager
def shell_on_terminal(path: Path, *words: str, environ: dict[str, str]) -> Iterator[Terminal]:
    terminal = Terminal(str(path), *words, environ=environ, columns=100)
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.wait()


def shown(terminal: Terminal) -> str:
    return COLOURS.sub("", terminal.seen)


def complete_until(terminal: Terminal, condition: Callable[[], bool], tabs: str = "\t", attempts: int = 6) -> None:
    """Press Tab, and again if nothing comes: on a busy machine, a completion gives up after its time limit."""
    for _ in range(attempts):
        terminal.type(tabs)
        with suppress(AssertionError):
            until(condition, "the completion", 15)
            return
    raise AssertionError(shown(terminal))


def test_bash_lists_recent_lines_with_their_texts(home: dict[str, str], post: Post) -> None:
    line_id = post("Listed: in bash, (with) odd *characters?")
    set_up("bash", home)
    with shell_on_terminal(Path("/bin/bash"), "--rcfile", f"{home['HOME']}/.bashrc", "-i", environ=home) as terminal:
        until(lambda: "READY>" in terminal.seen, "the prompt")
        terminal.type("tick update ")
        row = f"{line_id[:4]}  en  Listed: in bash, (with) odd *characters?"
        complete_until(terminal, lambda: row in shown(terminal), "\t\t")
        assert "last  the line that you posted last" in shown(terminal)


def test_bash_inserts_only_the_value(home: dict[str, str]) -> None:
    set_up("bash", home)
    with shell_on_terminal(Path("/bin/bash"), "--rcfile", f"{home['HOME']}/.bashrc", "-i", environ=home) as terminal:
        until(lambda: "READY>" in terminal.seen, "the prompt")
        terminal.type("tick post -e en --section=sp")
        complete_until(terminal, lambda: shown(terminal).endswith("tick post -e en --section=sports "))


def test_zsh_lists_recent_lines_with_their_texts_the_newest_first(home: dict[str, str], post: Post) -> None:
    ids = [post(f"Listed: in zsh {number}") for number in range(6)]
    set_up("zsh", home)
    with shell_on_terminal(program("zsh"), "-i", environ=home) as terminal:
        until(lambda: "READY>" in terminal.seen, "the prompt")
        terminal.type("tick update ")
        rows = "".join(rf"{each[:4]}\S* +-- en  Listed: in zsh \d\s+" for each in reversed(ids))
        complete_until(terminal, lambda: re.search(rows, shown(terminal)) is not None)


def test_fish_lists_recent_lines_with_their_texts(home: dict[str, str], post: Post) -> None:
    line_id = post("Listed: in fish, after a comma")
    set_up("fish", home)
    asked = ["-c", "complete -C 'tick update '; complete -C 'tick post -e en --section=sp'"]

    def offers() -> dict[str, str]:
        command = [str(program("fish")), *asked]
        done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=60, check=True)
        return dict(line.partition("\t")[::2] for line in done.stdout.splitlines())

    until(lambda: offers().get(line_id[:4]) == "en  Listed: in fish, after a comma", "the line is offered")
    until(lambda: offers().get("--section=sports") == "Sports", "the section is offered")


@pytest.mark.parametrize(
    ("line", "args", "incomplete"),
    [
        ("tick ", [], ""),
        ("tick up", [], "up"),
        ("tick post --section=", ["post"], "--section="),
        ("tick post 'Weather office: ", ["post"], "Weather office: "),
        ('tick post "أخبار', ["post"], "أخبار"),
        (r"tick post a\ b -e ", ["post", "a b", "-e"], ""),
    ],
)
def test_the_line_up_to_the_cursor_is_split_as_the_shell_does(
    line: str, args: list[str], incomplete: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TICK_LINE", line)
    assert Bash(None, {}, "tick", "").get_completion_args() == (args, incomplete)  # type: ignore[arg-type]
    assert Fish(None, {}, "tick", "").get_completion_args() == (args, incomplete)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "edition"),
    [
        ("tick withdraw  -e ar", "ar"),
        ("tick withdraw --edition=es k7m2", "es"),
        ("tick withdraw -ees", "es"),
        ("tick withdraw k7m2 -e", None),
        ("tick withdraw k7m2", None),
    ],
)
def test_the_edition_is_found_behind_the_cursor(
    line: str, edition: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TICK_WHOLE", line)
    assert edition_on_the_line() == edition
    assert os.environ["_TICK_WHOLE"] == line
