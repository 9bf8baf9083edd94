"""Options that several commands of `ticker` share, and the functions that evaluate them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import click
import msgspec

from ticker.console import Console, Style, Styled
from ticker.core.edition import in_order
from ticker.core.errors import SettingsError
from ticker.settings import Settings, load_settings
from ticker.store.data_folder import default_data_folder, redis_url
from ticker.store.url import password_from, with_password
from ticker.variables import unknown_variables

if TYPE_CHECKING:
    from ticker.store.connection import Redis

T = TypeVar("T")

Decorator = Callable[[Callable[..., object]], Callable[..., object]]

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
editions_to_post_option: Final[Decorator] = click.option(
    "-e", "--edition", "editions", metavar="NAME", multiple=True, required=True, help="An edition to post to."
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
new_password_option: Final[Decorator] = click.option(
    "--new-password", is_flag=True, help="Generate a new password for an existing user."
)


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of a value of `--metrics`: `127.0.0.1:9100` or `[::1]:9100`.

    Raises:
        SettingsError: If the text is something else.

    """
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and parts.port is not None and parts.netloc == text and parts.username is None:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise SettingsError(f"--metrics is {text[:60]!a}: write a host and a port, like 127.0.0.1:9100")


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

    warn_of_unknown_variables(console)

    async def run() -> T:
        async with open_redis(url_of_redis(console, data), role="ticker") as redis:
            return await work(redis)

    return asyncio.run(run())


def warn_of_unknown_variables(console: Console) -> None:
    """Warn of each variable that begins with `TICKER_` and isn't a setting."""
    for name, nearest in unknown_variables(console.environ):
        hint = "see docs/operating.md" if nearest is None else f"did you mean {nearest}?"
        console.tell(Styled("warning", Style.WARNING, f": the variable {name} has no meaning: {hint}"))


def settings_for(console: Console, path: Path | None, editions: str | None) -> Settings:
    """Return the settings, reduced to the `editions` that were given.

    Raises:
        SettingsError: If a value can't be used, or the settings don't have one of the editions.

    """
    settings = load_settings(path, console.environ)
    if editions is None:
        return settings
    names = [name.strip() for name in editions.split(",") if name.strip()]
    unknown = [ascii(name[:40]) for name in names if name not in settings.editions]
    if unknown or not names:
        wrong = unknown[0] if unknown else "none"
        raise SettingsError(f"--editions names {wrong}: the settings have {', '.join(settings.editions)}")
    return msgspec.structs.replace(settings, editions={name: settings.editions[name] for name in in_order(names)})


def read_password(console: Console, variable: str, *, ask: bool = False) -> str | None:
    """Return the password of a new Redis user from a prompt (`ask`) or from the environment, or None.

    It is never read from an argument, because other users of the machine can see arguments.

    Raises:
        SettingsError: If the password is too short or can't be read, or a prompt is wanted without a terminal.

    """
    from ticker.store.rights import password_rule  # noqa: PLC0415 -- slow to import

    password = _typed(console, variable) if ask else password_from(console.environ, variable)
    if password is not None:
        password_rule(password)
    return password


def _typed(console: Console, variable: str) -> str:
    if not sys.stdin.isatty():
        raise SettingsError(f"--ask needs a terminal: put the password in {variable}, or in a file for {variable}_FILE")
    return console.ask_password()


def warn_not_kept(console: Console) -> None:
    """Warn that a server forgets its users when it restarts."""
    text = (
        ": a server has no `aclfile`, so it forgets its users when it restarts: set one in its configuration, then run "
        "this command again (docs/operating.md)"
    )
    console.tell(Styled("warning", Style.WARNING, text))
