"""Read the password of a new Redis user. Never from an argument, which other users of the machine can see."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import click

from ticker.console import Console
from ticker.core.errors import SettingsError
from ticker.store.url import password_from

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

new_password_option: Final[Decorator] = click.option(
    "--new-password", is_flag=True, help="Generate a new password for an existing user."
)


def password_options(variable: str) -> Decorator:
    """Return a decorator that adds the option --ask."""
    return click.option(
        "--ask",
        is_flag=True,
        help=f"Prompt for the password.  [default: {variable}, {variable}_FILE, or a generated one]",
    )


def read_password(console: Console, variable: str, *, ask: bool) -> str | None:
    """Return the password from a prompt (`ask`) or from the environment, or None.

    Raises:
        SettingsError: If it is too short, can't be read, or the prompt has no terminal.

    """
    from ticker.store.acl import password_rule  # noqa: PLC0415 -- slow to import

    password = _typed(variable) if ask else password_from(console.environ, variable)
    if password is not None:
        password_rule(password)
    return password


def _typed(variable: str) -> str:
    if not sys.stdin.isatty():
        raise SettingsError(f"--ask needs a terminal: put the password in {variable}, or in a file for {variable}_FILE")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed
