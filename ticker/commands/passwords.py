"""Where the password of a new Redis user comes from. Never from an argument: everybody on a machine can see those."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import click

from ticker.console import Console
from ticker.core.errors import SettingsError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

new_password_option: Final[Decorator] = click.option(
    "--new-password", is_flag=True, help="Make another password for a user who is there already."
)


def password_options(variable: str) -> Decorator:
    """The option `ask`."""
    return click.option(
        "--ask", is_flag=True, help=f"Ask for the password.  [default: {variable}, {variable}_FILE, or one is made]"
    )


def read_password(console: Console, variable: str, *, ask: bool) -> str | None:
    """The password that was typed or that the environment has; None where there is neither.

    Raises:
        SettingsError: If it is too short or can't be read, or nobody can be asked.

    """
    from ticker.store.acl import password_rule  # noqa: PLC0415 -- slow to import
    from ticker.store.url import password_from  # noqa: PLC0415

    password = _typed(variable) if ask else password_from(console.environ, variable)
    if password is not None:
        password_rule(password)
    return password


def _typed(variable: str) -> str:
    if not sys.stdin.isatty():
        raise SettingsError(f"--ask needs a terminal: put the password in {variable}, or in a file for {variable}_FILE")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed
