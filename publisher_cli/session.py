"""The Redis, the editor and the edition of a command."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ticker import __version__
from ticker.console import Console
from ticker.core.edition import check_name, is_name
from ticker.core.errors import SettingsError, StoreError
from ticker.store import data_folder
from ticker.store.client_errors import permission_errors
from ticker.store.direct import DirectRedis, is_direct, open_direct
from ticker.store.editions import StoredEdition, edition_names, load_edition
from ticker.store.login import load_login, url_of
from ticker.store.url import parse_url, password_from, redact, with_password

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis

NAME_CHARACTERS: Final = 32
ORIGIN_CHARACTERS: Final = 64
NO_EDITION: Final = "there is no edition yet: start the desk (`ticker up` or `ticker desk`), which creates them"


class Session(msgspec.Struct, frozen=True):
    """The Redis to use. `url` may include a password: never print it.

    `last_edition` is the edition that the terminal application opens, if it exists and no other is named. `is_login`:
    `tick login` has stored the URL.
    """

    url: str
    last_edition: str | None = None
    is_login: bool = False

    @classmethod
    def find(cls, console: Console, data: Path | None) -> Session:
        """Return a session with the Redis that the first of these names: `data`, the environment, or the login.

        Without any of them, it is the embedded server of the default data folder.

        Raises:
            TickerError: If nothing names a Redis, a password can't be read, or the choice could surprise the editor.

        """
        environ = console.environ
        if data is not None:
            return cls(data_folder.embedded_url(data))
        if environ.get("TICKER_REDIS_URL") or environ.get("TICKER_DATA"):
            url = data_folder.redis_url(environ, data_folder.default_data_folder(environ))
            return cls(with_password(url, password_from(environ)))
        login = load_login(environ)
        folder = data_folder.default_data_folder(environ)
        if login is None:
            return cls(with_password(_embedded_url(folder), password_from(environ)))
        if data_folder.address_file(folder).exists():
            raise SettingsError(
                f"you are logged in to {redact(login.url)}, but `ticker up` runs here, too: choose that one with "
                f"--data {folder}, or the other one with TICKER_REDIS_URL, or run `tick logout`"
            )
        return cls(url_of(login), is_login=True)

    @asynccontextmanager
    async def redis(self) -> AsyncIterator[Redis]:
        """Open a client with a single connection. It runs one command at a time, and each may block.

        Raises:
            StoreError: If a connection error leaves the block: what happened, and what to do.

        """
        from ticker.store.connection import open_redis  # noqa: PLC0415 -- it imports redis-py

        async with open_redis(self.url, role="tick", blocking=True, is_login=self.is_login) as redis:
            yield redis

    @property
    def is_direct(self) -> bool:
        """Whether `direct_redis` can be used: the URL names one server."""
        return is_direct(parse_url(self.url))

    def direct_redis(self) -> AbstractAsyncContextManager[DirectRedis]:
        """Open a client that needs no event loop. See `redis`, and `ticker.store.direct`."""
        return open_direct(self.url, role="tick", is_login=self.is_login)

    def editor(self, given: str | None) -> str:
        """Return the editor's name: `given`, or the Redis user, or the login name in a form that is valid.

        Raises:
            SettingsError: If `given` is not a valid name.

        """
        if given is not None:
            return check_name(given)
        user = parse_url(self.url).credentials.get("username")
        if user is not None and user != "default":
            return check_name(user)
        return as_name(_login_name())


def _embedded_url(folder: Path) -> str:
    """Return the URL of the embedded server of the default data folder.

    Raises:
        StoreError: If it doesn't run. On an editor's laptop, `tick login` is missing.

    """
    try:
        return data_folder.embedded_url(folder)
    except StoreError as error:
        raise StoreError(f"{error}, or log in to the Redis of your newsroom with `tick login`") from error


def as_name(text: str) -> str:
    """Return a valid name that resembles `text`: in lower case, with hyphens for characters that names can't have."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower(), flags=re.ASCII).strip("-")
    if not name[:1].isalpha():
        name = f"editor-{name}".rstrip("-")
    name = name[:NAME_CHARACTERS].rstrip("-")
    assert is_name(name)
    return name


def origin() -> str:
    """Return the program and the machine that send a request, for the audit: ASCII, of limited length."""
    host = re.sub(r"[^A-Za-z0-9._-]", "?", os.uname().nodename)[:ORIGIN_CHARACTERS]
    return f"tick {__version__} on {host or 'an unnamed machine'}"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container, the user may lack a name
        return "editor"


async def find_edition(redis: AnyRedis, given: str | None) -> StoredEdition:
    """Return the edition `given`, or the only one.

    Raises:
        SettingsError: If the edition doesn't exist, or there are several and `given` is None.
        StoreError: If no edition exists yet, or this version can't read the edition.

    """
    if given is not None:
        stored = await load_edition(redis, check_name(given))
        if stored is not None:
            return stored
    names = await edition_names(redis)
    if not names:
        raise StoreError(NO_EDITION)
    if given is not None:
        raise SettingsError(f"there is no edition {given}: there are {', '.join(names)}")
    if len(names) > 1:
        raise SettingsError(f"several editions exist ({', '.join(names)}): choose one with -e or TICK_EDITION")
    return await find_edition(redis, names[0])


async def readable_editions(redis: Redis) -> list[StoredEdition]:
    """Return the editions that this user may read. An editor may read only some.

    Raises:
        StoreError: If this version can't read one of them.

    """
    found: list[StoredEdition] = []
    for name in await edition_names(redis):
        try:
            stored = await load_edition(redis, name)
        except permission_errors():
            continue
        found += [] if stored is None else [stored]
    return found
