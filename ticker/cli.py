"""`ticker`: run the system or its parts, and manage logs and editors. Its commands are in `ticker.commands`."""

from __future__ import annotations

from typing import Final, NoReturn

import click

from ticker import __version__
from ticker.console import USAGE, Commands, examples, run
from ticker.core.errors import SettingsError

FAILED: Final = 1

_PLACES: Final = {
    "up": "ticker.commands.up:up",
    "desk": "ticker.commands.desk:desk",
    "gateway": "ticker.commands.gateway:gateway",
    "relay": "ticker.commands.relay:relay",
    "api": "ticker.commands.api:api",
    "mirror": "ticker.commands.mirror:mirror",
    "verify": "ticker.commands.log:verify",
    "repair": "ticker.commands.repair:repair",
    "rotate": "ticker.commands.log:rotate",
    "doctor": "ticker.commands.doctor:doctor",
    "capacity": "ticker.commands.capacity:capacity",
    "backup": "ticker.commands.backup:backup",
    "restore": "ticker.commands.restore:restore",
    "editor": "ticker.commands.editor:editor",
    "token": "ticker.commands.token:token",
    "acl": "ticker.commands.acl:acl",
    "access": "ticker.commands.access:access",
}


@click.group(
    cls=Commands,
    places=_PLACES,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("ticker up --demo", "ticker verify en"),
)
@click.version_option(__version__, prog_name="ticker")
def ticker() -> None:
    """Breaking news on every screen: run the system, and manage its logs and editors.

    `ticker up` runs everything in one process. Editors post with `tick`.

    TICKER_REDIS_URL is the URL of the Redis. Without it, the embedded server of `ticker up` is used.
    """


def main() -> NoReturn:
    run(ticker, "ticker", _status_of)


def _status_of(error: BaseException) -> int:
    return USAGE if isinstance(error, SettingsError) else FAILED


if __name__ == "__main__":
    main()
