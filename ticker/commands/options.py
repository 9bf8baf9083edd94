"""Options that several commands of `ticker` share, and the functions that evaluate them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from ticker.console import Console
from ticker.core.errors import SettingsError
from ticker.settings import Settings, load_settings
from ticker.store.data_folder import default_data_folder, redis_url
from ticker.store.url import password_from, with_password

if TYPE_CHECKING:
    from ticker.store.connection import Redis

T = TypeVar("T")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

data_option: Final[Decorator] = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data folder of `ticker up`.  [default: TICKER_DATA, or the platform's folder for a user's data]",
)
settings_option: Final[Decorator] = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="TICKER_SETTINGS",
    help="A ticker.toml; environment variables override it.  [env: TICKER_SETTINGS]",
)
editions_option: Final[Decorator] = click.option(
    "--editions", metavar="NAMES", help="Use only these editions of the settings, e.g. en,ar.  [default: all]"
)
host_option: Final[Decorator] = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 is all addresses."
)
port_option: Final[Decorator] = click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="The port; 0 chooses a free one.",
)


def data_folder(console: Console, data: Path | None) -> Path:
    return default_data_folder(console.environ) if data is None else data


def url_of_redis(console: Console, data: Path | None) -> str:
    """Return the URL of Redis, with the password from the environment.

    Raises:
        TickerError: If no Redis is named, or the password can't be read.

    """
    url = redis_url(console.environ, data_folder(console, data))
    return with_password(url, password_from(console.environ))


def run_with_redis(console: Console, data: Path | None, work: Callable[[Redis], Awaitable[T]]) -> T:
    """Run `work` with a Redis client, and return its result.

    Raises:
        SettingsError: If the URL or the password can't be used.
        StoreError: If no Redis is named, or a command on it fails.

    """
    from ticker.store.connection import open_redis  # noqa: PLC0415 -- slow to import

    async def run() -> T:
        async with open_redis(url_of_redis(console, data), role="ticker") as redis:
            return await work(redis)

    return asyncio.run(run())


def settings_for(console: Console, path: Path | None, editions: str | None) -> Settings:
    """Return the settings, reduced to the `editions` that were given.

    Raises:
        SettingsError: If a value can't be used, or the settings don't have one of the editions.

    """
    settings = load_settings(path, console.environ)
    if editions is None:
        return settings
    names = [name.strip() for name in editions.split(",") if name.strip()]
    chosen = {name: settings.editions[name] for name in _known(names, settings)}
    return msgspec.structs.replace(settings, editions=chosen)


def _known(names: Sequence[str], settings: Settings) -> Sequence[str]:
    for name in names:
        if name not in settings.editions:
            raise SettingsError(f"--editions names {name[:40]!a}: the settings have {', '.join(settings.editions)}")
    if not names:
        raise SettingsError(f"--editions names none: the settings have {', '.join(settings.editions)}")
    return names
