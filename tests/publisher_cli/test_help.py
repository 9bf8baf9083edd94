"""Properties of every command of `tick` and `ticker`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import ticker
from publisher_cli.cli import tick
from tests.support.system import environment, run_program
from ticker.cli import ticker as ticker_group

ROOT = Path(__file__).resolve().parents[2]


def commands(group: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, *words, name)


ALL = [*commands(tick, "tick"), *commands(ticker_group, "ticker")]


def texts(command: click.Command, words: tuple[str, ...]) -> str:
    with click.Context(command, info_name=" ".join(words), terminal_width=80, max_content_width=80) as context:
        return command.get_help(context)


@pytest.mark.parametrize(("words", "command"), ALL, ids=lambda each: " ".join(each) if isinstance(each, tuple) else "")
def test_help_of_every_command_has_an_example_and_fits_80_columns(
    words: tuple[str, ...], command: click.Command
) -> None:
    shown = texts(command, words)
    assert re.search(rf"^ +(Example: )?(\w+=\S+ )?{' '.join(words)}\b", shown, re.MULTILINE), shown
    assert command.help
    assert max(map(len, shown.splitlines())) <= 80, shown
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, (words, parameter.name)


@pytest.mark.parametrize(("words", "command"), ALL, ids=lambda each: " ".join(each) if isinstance(each, tuple) else "")
def test_the_summary_of_a_command_is_never_cut_off(words: tuple[str, ...], command: click.Command) -> None:
    # Click cuts a summary only if it makes one from the first sentence of the help.
    assert command.short_help or len(words) == 1, words


def test_the_help_of_tick_groups_the_commands_and_gives_an_example_of_each_group() -> None:
    shown = texts(tick, ("tick",))
    sections = re.findall(r"^(\w[\w ]*):\n((?:  .+\n?)+)", shown, re.MULTILINE)
    groups = {title: re.findall(r"^  (\w+)  ", rows, re.MULTILINE) for title, rows in sections if title != "Options"}
    assert list(groups) == ["Write", "Take back", "Decide", "Look", "Set up"]
    assert sorted(name for names in groups.values() for name in names) == sorted(
        tick.list_commands(click.Context(tick))
    )
    for title, rows in sections[1:]:
        example = re.search(r"^  Example: tick (\w+)", rows, re.MULTILINE)
        assert example is not None, title
        assert example[1] in groups[title]


@pytest.mark.parametrize(("words", "command"), ALL, ids=lambda each: " ".join(each) if isinstance(each, tuple) else "")
def test_every_command_has_a_json_option(words: tuple[str, ...], command: click.Command) -> None:
    if not isinstance(command, click.Group):
        assert "json" in [parameter.name for parameter in command.params], words


def test_all_commands_exist() -> None:
    names = {" ".join(words) for words, _ in ALL}
    system = ("up", "desk", "gateway", "verify", "doctor", "rotate")
    changes = ("post", "update", "correct", "refile", "withdraw", "hide", "unhide", "pin", "unpin")
    decisions = ("undo", "scheduled", "cancel", "pending", "approve", "reject")
    views = ("board", "log", "watch", "editions", "completion", "login", "logout")
    ours = {f"tick {name}" for name in (*changes, *decisions, *views)}
    assert {f"ticker {name}" for name in system} | ours <= names


@pytest.mark.parametrize("script", ["tick", "ticker"])
def test_help_and_version_need_no_system(script: str, tmp_path: Path) -> None:
    environ = environment(TICKER_DATA=str(tmp_path / "nothing"))
    assert run_program(script, "--help", environ=environ).code == 0
    assert run_program(script, "--version", environ=environ).out == f"{script}, version {ticker.__version__}\n"
    assert not (tmp_path / "nothing").exists()


def test_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == ticker.__version__


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["tick", "pots", "x"], "there is no command 'pots' (did you mean `tick post`?)"),
        (["tick", "post"], "Missing argument 'TEXT'"),
        (["tick", "post", "two", "words"], "put a text of several words in quotes"),
        (["tick", "post", "x", "--urgency", "12"], "'--urgency'"),
        (["tick", "post", "x", "--wait", "0"], "'--wait'"),
        (["ticker", "verify"], "Missing argument 'EDITION'"),
    ],
)
def test_usage_error_is_one_line_that_names_the_help(words: list[str], why: str) -> None:
    ran = run_program(*words, environ=environment())
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1, ran.err
    assert why in ran.err
    assert "--help`" in ran.err


def test_json_error_is_a_document(tmp_path: Path) -> None:
    ran = run_program("tick", "log", "--json", "-e", "A B", environ=environment(TICKER_DATA=str(tmp_path)))
    assert ran.code == 4  # because no Redis runs
    assert json.loads(ran.out).keys() == {"error", "detail"}


def test_traceback_needs_debug(tmp_path: Path) -> None:
    environ = environment(TICKER_DATA=str(tmp_path))
    assert "Traceback" not in run_program("tick", "log", environ=environ).err
    assert "Traceback" in run_program("tick", "log", "--debug", environ=environ).err
    assert "Traceback" in run_program("tick", "log", environ={**environ, "TICKER_DEBUG": "1"}).err
