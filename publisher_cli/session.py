"""Who is asking, of which Redis, about which edition: what every command needs before it does anything."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from publisher_cli import completing
from ticker import __version__
from ticker.console import Console
from ticker.core.edition import check_name, is_name
from ticker.core.errors import SettingsError, StoreError
from ticker.store import data_folder

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.editions import StoredEdition

NAME_CHARACTERS: Final = 32
ORIGIN_CHARACTERS: Final = 64

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

data_option: Final[Decorator] = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data folder of `ticker up`.  [default: TICKER_DATA, or the platform's folder for a user's data]",
)
edition_option: Final[Decorator] = click.option(
    "-e",
    "--edition",
    metavar="NAME",
    envvar="TICK_EDITION",
    shell_complete=completing.editions,
    help="The edition.  [default: TICK_EDITION, or the only one there is]",
)
editor_option: Final[Decorator] = click.option(
    "--editor",
    metavar="NAME",
    envvar="TICK_EDITOR",
    help="Your name, which is that of your inbox.  [default: TICK_EDITOR, the user of TICKER_REDIS_URL, or who is "
    "logged in]",
)


class Session(msgspec.Struct, frozen=True):
    """A Redis with editions. `url` holds its password: never shown."""

    url: str
    console: Console

    @classmethod
    def find(cls, console: Console, data: Path | None) -> Session:
        """The one that the environment or the data folder names.

        Raises:
            TickerError: If there is none, or a password can't be read.

        """
        # Here and below: `--help` and bad usage don't wait for the Redis client.
        from ticker.store.url import password_from, with_password  # noqa: PLC0415

        folder = data_folder.default_data_folder(console.environ) if data is None else data
        url = data_folder.redis_url(console.environ, folder)
        return cls(with_password(url, password_from(console.environ)), console)

    @property
    def shown(self) -> str:
        """The address without its password."""
        from ticker.store.url import redact  # noqa: PLC0415

        return redact(self.url)

    @asynccontextmanager
    async def redis(self) -> AsyncIterator[Redis]:
        """A client with one connection: for one command after the other, each of which may block.

        Raises:
            StoreError: For errors of the connection that nobody else has caught: what happened, and what to do.

        """
        from ticker.store.connection import open_redis  # noqa: PLC0415

        async with open_redis(self.url, role="tick", blocking=True) as redis:
            yield redis

    def sentence(self, error: BaseException) -> str:
        """Return why Redis failed, and what to do."""
        from ticker.store.connection import explain  # noqa: PLC0415

        return explain(error, self.url)

    def editor(self, given: str | None) -> str:
        """The editor's name: as given, else the Redis user's, else the system user's in a form that may be a name.

        Raises:
            SettingsError: If the one that was given is none.

        """
        from ticker.store.url import parse_url  # noqa: PLC0415

        if given is not None:
            return check_name(given)
        user = parse_url(self.url).credentials.get("username")
        if user is not None and user != "default":
            return check_name(user)
        return as_name(_system_user())


def as_name(text: str) -> str:
    """The nearest name to what may be none: in lower case, with a hyphen for what a name can't have."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower(), flags=re.ASCII).strip("-")
    if not name[:1].isalpha():
        name = f"editor-{name}".rstrip("-")
    name = name[:NAME_CHARACTERS].rstrip("-")
    assert is_name(name)
    return name


def origin() -> str:
    """From where a request comes, for the audit: plain words of a bounded length."""
    host = re.sub(r"[^A-Za-z0-9._-]", "?", os.uname().nodename)[:ORIGIN_CHARACTERS]
    return f"tick {__version__} on {host or 'an unnamed machine'}"


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user that has no name
        return "editor"


async def find_edition(redis: Redis, given: str | None) -> StoredEdition:
    """The edition that was named, or the only one there is.

    Raises:
        SettingsError: If there is none of this name, or several and none was named.
        StoreError: If there are none at all, or it can't be read.

    """
    from ticker.store.editions import edition_names, load_edition  # noqa: PLC0415

    if given is not None:
        stored = await load_edition(redis, check_name(given))
        if stored is not None:
            return stored
    names = await edition_names(redis)
    if not names:
        raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which makes them")
    if given is not None:
        raise SettingsError(f"there is no edition {given}: there are {', '.join(names)}")
    if len(names) > 1:
        raise SettingsError(f"which edition? Say -e with one of {', '.join(names)}, or set TICK_EDITION")
    stored = await load_edition(redis, names[0])
    if stored is None:
        raise StoreError(f"edition {names[0]} was deleted this moment: try again")
    return stored


async def readable_editions(redis: Redis) -> list[StoredEdition]:
    """The editions that this user may read: an editor's has rights in some alone.

    Raises:
        StoreError: If one can't be read by this version.

    """
    from redis.exceptions import NoPermissionError  # noqa: PLC0415

    from ticker.store.editions import edition_names, load_edition  # noqa: PLC0415

    found: list[StoredEdition] = []
    for name in await edition_names(redis):
        with suppress(NoPermissionError):
            stored = await load_edition(redis, name)
            found += [] if stored is None else [stored]
    return found
