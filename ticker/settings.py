"""Settings: keys of `ticker.toml`, and environment variables of the same name (`TICKER_RETAINED` for `retained`).

They are read once, validated and frozen. An environment variable overrides the file. The URL of Redis isn't a setting,
because it may contain a password (see `ticker.store.url`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from ticker.core.edition import DEFAULT_EDITIONS, TERM, Edition, check_name, in_order
from ticker.core.errors import UNREADABLE, SettingsError
from ticker.core.rules.effects import HOUSE_RULES

PREFIX: Final = "TICKER_"
SHOWN: Final = 60
"""How many characters of an invalid value an error message shows."""

_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

_HUB: Final = re.compile(rf"https?://{_HOST.pattern}(?:/[!-~]*)?")

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Liftable = Annotated[int, Meta(ge=0, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=1, le=2**20)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
HEARTBEAT_MAX_S: Final = 50
"""Longest interval between heartbeats. Silence can last 5 s longer, and readers give up after 60 s without a message.

Each second of the interval also has a list of followers in each gateway's memory.
"""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every limit of the system. `*_bytes` are in bytes, `*_s` in seconds. 0 removes a limit of type `Liftable`.

    Each number has a maximum far above every useful value, so that a typing error is refused.
    """

    editions: dict[str, Edition] = msgspec.field(default_factory=lambda: dict(DEFAULT_EDITIONS))

    # the log and the desk
    retained: Count = 10_000
    receipts_retained: Count = 1_000
    inbox_retained: Count = 10_000
    submission_bytes: Bytes = 8 * 1024
    submission_deadline_s: Seconds = 30.0
    submissions_per_minute: Liftable = 120
    submissions_burst: Count = 1_000
    held: Count = 1_000
    held_per_editor: Count = 200
    overdue_after_s: Seconds = 600.0

    # the gateway
    follower_buffer_bytes: Bytes = 16 * 1024
    follower_paused_s: Seconds = 30.0
    frame_caches: Count = 1_000
    selections_per_address: Liftable = 50
    followers: Liftable = 18_000
    followers_per_address: Liftable = 1_000
    handshakes_per_s: Liftable = 2_000
    handshake_s: Seconds = 10.0
    unread_bytes: Annotated[int, Meta(ge=1, le=2**40)] = 64 * 1024 * 1024
    reader_message_bytes: Bytes = 4 * 1024
    history_page: Annotated[int, Meta(ge=1, le=500)] = 100
    heartbeat_s: Annotated[int, Meta(ge=1, le=HEARTBEAT_MAX_S)] = 25
    drain_s: Seconds = 20.0
    tail_stale_s: Annotated[int, Meta(ge=0, le=86_400)] = 60
    compression: bool = True
    trusted_proxies: tuple[str, ...] = ()
    public_url: str | None = None
    websub_hub: Annotated[str, Meta(max_length=2000)] | None = None
    status_viewers: Annotated[int, Meta(ge=1, le=1_000)] = 20
    access_keys_file: Annotated[str, Meta(min_length=1, max_length=4000)] | None = None

    # the desk and the gateway
    otlp_endpoint: Annotated[str, Meta(max_length=2000)] | None = None

    # the posting part
    api_requests: Annotated[int, Meta(ge=1, le=10_000)] = 200
    api_requests_per_editor: Annotated[int, Meta(ge=1, le=10_000)] = 20

    # the relay
    relay_lines: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000
    relay_pending: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    relay_parallel: Annotated[int, Meta(ge=1, le=100)] = 4
    relay_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 20.0
    relay_retry_s: Seconds = 300.0
    relay_give_up_s: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 3 * 86_400.0


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings from a file, if `path` is given, and from the environment.

    Raises:
        SettingsError: If the file can't be read, a key is unknown, or a value has the wrong type or exceeds a limit.

    """
    values = {} if path is None else _read(path)
    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    _check_names("", values, fields)
    converted = {name: _convert(name, value, fields[name]) for name, value in values.items() if name != "editions"}
    if "editions" in values:
        converted["editions"] = _editions(values["editions"])
    for name in fields.keys() - {"editions"}:
        variable = PREFIX + name.upper()
        if variable in environ:
            text = environ[variable]
            value = [part.strip() for part in text.split(",") if part.strip()] if name == "trusted_proxies" else text
            converted[name] = _convert(variable, value, fields[name])
    settings = Settings(**converted)
    _check_proxies(settings)
    _check_public_url(settings.public_url)
    _check_websub_hub(settings)
    _check_otlp_endpoint(settings.otlp_endpoint)
    return settings


def _read(path: Path) -> dict[str, object]:
    try:
        values: dict[str, object] = msgspec.toml.decode(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"the settings file {path} can't be read: {error.strerror}") from error
    except UNREADABLE as error:
        raise SettingsError(f"the settings file {path} isn't valid TOML: {error}") from error
    return values


def _convert(name: str, value: object, kind: Any) -> Any:
    """Convert one value. The error then names it; the error of a whole table would name only its path."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        shown = ascii(value)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
        raise SettingsError(f"{name} is {shown}: {str(error).replace('Expected', 'expected', 1)}") from error


def _check_names(prefix: str, values: Mapping[str, object], fields: Mapping[str, object]) -> None:
    for name in values.keys() - fields.keys():
        raise SettingsError(f"{prefix}{name} isn't a setting: the settings are {', '.join(fields)}")


def _editions(tables: object) -> dict[str, Edition]:
    fields = {field.name: field.type for field in msgspec.structs.fields(Edition)}
    required = [field.name for field in msgspec.structs.fields(Edition) if field.required]
    editions = {}
    given = _convert("editions", tables, dict[str, dict[str, object]])
    for name in in_order(given):
        table = given[name]
        prefix = f"editions.{check_name(name)}."
        _check_names(prefix, table, fields)
        for missing in [field for field in required if field not in table]:
            raise SettingsError(f"{prefix}{missing} is missing: an edition must have {', '.join(required)}")
        editions[name] = Edition(**{key: _convert(prefix + key, value, fields[key]) for key, value in table.items()})
        for vocabulary in ("sections", "regions"):
            _check_terms(f"{prefix}{vocabulary}", getattr(editions[name], vocabulary))
        _check_names(f"{prefix}rules.", editions[name].rules, HOUSE_RULES)
        _check_zone(f"{prefix}zone", editions[name].zone)
    return editions


def _check_terms(name: str, vocabulary: Mapping[str, str]) -> None:
    for term, shown in vocabulary.items():
        if TERM.fullmatch(term) is None or not shown.strip():
            raise SettingsError(
                f"{name} has {term[:40]!a} = {shown[:40]!a}: an id has 1 to 32 of a–z, 0–9 and -, begins with a "
                "letter, and needs a name to show"
            )


def _check_zone(name: str, zone: str | None) -> None:
    if zone is None:
        return
    try:
        # It reads a file of this name. An empty name is a folder, and a long one can't be a file's name.
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"{name} is {zone[:SHOWN]!a}: there is no such time zone, use an IANA name like Europe/Madrid"
        ) from error


def _check_proxies(settings: Settings) -> None:
    for proxy in settings.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            raise SettingsError(
                f"trusted_proxies has {proxy!a}: use an address, or a network like 10.0.0.0/8"
            ) from error


def _check_public_url(url: str | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        is_origin = url == f"{parts.scheme}://{parts.netloc}" and parts.scheme in ("http", "https")
        is_origin = is_origin and _HOST.fullmatch(parts.netloc) is not None and parts.port != 0
    except ValueError:  # urlsplit can't parse it
        is_origin = False
    if not is_origin:
        raise SettingsError(
            f"public_url is {url[:SHOWN]!a}: use the scheme and host that readers see, like https://news.example"
        )


def _check_otlp_endpoint(endpoint: str | None) -> None:
    if endpoint is not None and _HUB.fullmatch(endpoint) is None:
        shown = endpoint[:SHOWN]
        raise SettingsError(f"otlp_endpoint is {shown!a}: use the collector's address, like http://127.0.0.1:4318")


def _check_websub_hub(settings: Settings) -> None:
    hub = settings.websub_hub
    if hub is None:
        return
    if _HUB.fullmatch(hub) is None:
        raise SettingsError(f"websub_hub is {hub[:SHOWN]!a}: use the hub's address, like https://hub.example/publish")
    if settings.public_url is None:
        raise SettingsError("websub_hub needs public_url: the hub fetches the feeds from there")
