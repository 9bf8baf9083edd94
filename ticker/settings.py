"""Settings: keys of `ticker.toml`, and environment variables of the same name (`TICKER_RETAINED` for `retained`).

Read once, checked, frozen, passed in. An environment variable wins over the file. The address of Redis is not here: it
may carry a password (see `ticker.store.connections`).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ticker.core.edition import DEFAULT_EDITIONS, Edition, check_name
from ticker.core.errors import SettingsError

PREFIX: Final = "TICKER_"

Count = Annotated[int, Meta(ge=1)]
Liftable = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every bound of the system. Lengths in bytes, times in seconds; 0 lifts a bound that is `Liftable`."""

    editions: dict[str, Edition] = msgspec.field(default_factory=lambda: dict(DEFAULT_EDITIONS))

    # the log and the desk
    retained: Count = 10_000
    receipts_retained: Count = 1_000
    submission_bytes: Count = 8 * 1024
    submission_deadline_s: Seconds = 30.0

    # the gateway
    follower_buffer_bytes: Count = 16 * 1024
    follower_paused_s: Seconds = 30.0
    views: Count = 1_000
    followers: Liftable = 18_000
    followers_per_address: Liftable = 1_000
    handshakes_per_s: Liftable = 2_000
    handshake_s: Seconds = 10.0
    reader_message_bytes: Count = 4 * 1024
    history_page: Annotated[int, Meta(ge=1, le=500)] = 100
    beat_s: Count = 25
    drain_s: Seconds = 20.0
    trusted_proxies: tuple[str, ...] = ()


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the file (where there is one) and the environment.

    Raises:
        SettingsError: If the file can't be read, or a value is unknown, of the wrong type or out of its bounds.

    """
    values = {} if path is None else _read(path)
    fields = {field.name for field in msgspec.structs.fields(Settings)} - {"editions"}
    for name in fields & {key.removeprefix(PREFIX).lower() for key in environ if key.startswith(PREFIX)}:
        text = environ[PREFIX + name.upper()]
        values[name] = [part.strip() for part in text.split(",") if part.strip()] if name == "trusted_proxies" else text
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        source = "the environment" if path is None else f"{path} or the environment"
        raise SettingsError(f"a setting in {source} can't be used: {error}") from error
    _check(settings)
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"the settings file {path} can't be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise SettingsError(f"the settings file {path} is no TOML: {error}") from error
    return values


def _check(settings: Settings) -> None:
    for name, edition in settings.editions.items():
        check_name(name)
        if not 1 <= edition.board_lines <= 100:
            raise SettingsError(f"board_lines of edition {name} is {edition.board_lines}: 1 to 100")
    for proxy in settings.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            raise SettingsError(f"trusted_proxies has {proxy!a}: an address or a network like 10.0.0.0/8") from error
