"""The options of every submission reach the command as one object."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from publisher_cli.options import dry_run_option, key_option, submit_options
from publisher_cli.submit.request import WAIT_S, SubmitOptions
from ticker.console import Console


def parse(*words: str) -> SubmitOptions:
    """Return the options that a command gets for these words."""
    seen: list[SubmitOptions] = []

    @click.command()
    @submit_options(dry_run_option, key_option)
    def command(_: Console, /, **given: Any) -> None:
        seen.append(given["options"])

    result = CliRunner().invoke(command, words, obj=Console({}), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return seen[0]


def test_defaults() -> None:
    assert parse() == SubmitOptions(data=None, edition=None, editor=None, wait_s=WAIT_S, wants_reach=True)


def test_given_options_reach_the_object() -> None:
    options = parse("-e", "en", "--editor", "maha", "--key", "k-1", "--wait", "2", "--no-reach", "--dry-run")
    assert options == SubmitOptions(
        data=None, edition="en", editor="maha", key="k-1", wait_s=2, wants_reach=False, is_dry_run=True
    )


def test_empty_key_is_no_key() -> None:
    assert parse("--key", "").key is None


def test_environment_replaces_edition_and_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICK_EDITION", "ar")
    monkeypatch.setenv("TICK_EDITOR", "huda")
    assert (parse().edition, parse().editor) == ("ar", "huda")


def test_decorated_command_keeps_its_name_and_docstring() -> None:
    @submit_options()
    def sample() -> None:
        """Describe the command."""

    assert (sample.__name__, sample.__doc__) == ("sample", "Describe the command.")
