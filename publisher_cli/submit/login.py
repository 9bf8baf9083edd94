"""Check a Redis URL and a password, and store them for the editor's commands."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from redis.exceptions import AuthenticationError

from publisher_cli.session import Session, readable_editions
from ticker.console import Console
from ticker.core.errors import SettingsError, StoreError
from ticker.store.login import login_file, save_login
from ticker.store.url import Kind, parse_url, password_from, redact, split_password, with_password

_VARIABLE: Final = "TICKER_REDIS_PASSWORD"


def log_in(console: Console, given: str, *, wants_file: bool) -> None:
    """Log in to the Redis at the URL `given`, then store the URL and its password, and print the place of both.

    Raises:
        SettingsError: If the URL can't be used or doesn't name a user, or the password is missing.
        StoreError: If Redis doesn't answer, or rejects the password.

    """
    target = parse_url(given)
    url, password = split_password(given)
    user = target.credentials.get("username")
    if user is None and target.kind is not Kind.UNIX:
        raise SettingsError(f"{redact(url)} names no user: write it like redis://maha@news.example")
    source = "in the URL"
    if not password and (password := password_from(console.environ)) is not None:
        source = f"in {_VARIABLE}" if console.environ.get(_VARIABLE) else f"in the file that {_VARIABLE}_FILE names"
    if password is None and user is not None:
        password, source = _ask(console, user), "that you typed"
    try:
        editions = asyncio.run(_check(with_password(url, password)))
    except StoreError as error:
        if isinstance(error.__cause__, AuthenticationError) and password is not None:
            raise StoreError(_rejection(redact(url), user, source)) from error
        raise
    login = save_login(console.environ, url, password, wants_file=wants_file)
    place = "the system's keyring" if login.in_keyring else str(login_file(console.environ))
    console.show(
        {"url": redact(url), "user": user, "keyring": login.in_keyring, "editions": editions},
        f"logged in to {redact(url)} as {user or 'the default user'}: {', '.join(editions) or 'no editions yet'}",
        f"  the password is in {place}; `tick logout` deletes it",
    )


def _rejection(server: str, user: str | None, source: str) -> str:
    whose = f"the user {user}, or has no such user" if user is not None else "the default user"
    return f"the Redis at {server} rejects the password {source} for {whose}: check both, and run `tick login` again"


async def _check(url: str) -> list[str]:
    """Return the editions that the user may read."""
    async with Session(url, is_login=True).redis() as redis:
        return [stored.name for stored in await readable_editions(redis)]


def _ask(console: Console, user: str) -> str:
    if not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask for the password: put it in TICKER_REDIS_PASSWORD")
    return console.ask_password(f"Password of {user}", is_new=False)
