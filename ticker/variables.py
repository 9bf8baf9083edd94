"""The environment variables that Ticker reads, and the ones that only look like it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

from ticker.settings import PREFIX, Settings

_PASSWORDS: Final = ("REDIS", "ADMIN", "DESK", "GATEWAY", "RELAY", "API", "EDITOR")
OTHERS: Final = frozenset(
    {
        *("TICKER_REDIS_URL", "TICKER_GATEWAY_URL", "TICKER_DATA", "TICKER_CONFIG", "TICKER_SETTINGS"),
        *("TICKER_LOG_LEVEL", "TICKER_LOG_FORMAT", "TICKER_DEBUG"),
        *("TICKER_RELAY_SECRET", "TICKER_RELAY_SECRET_FILE"),
        *("TICKER_ACCESS_TOKEN", "TICKER_ACCESS_TOKEN_FILE"),
        *("TICKER_STATUS_TOKEN", "TICKER_STATUS_TOKEN_FILE"),
        *(f"TICKER_{name}_PASSWORD{ending}" for name in _PASSWORDS for ending in ("", "_FILE")),
    }
)
"""The variables that are not settings."""

_SERVICE: Final = re.compile(r"TICKER_(?:[A-Z0-9_]*_)?(?:SERVICE_(?:HOST|PORT)|PORT)(?:_[A-Z0-9_]+)?")
"""Variables that Kubernetes sets for services whose name begins with `ticker`."""

_RELAY_SECRET: Final = re.compile(r"TICKER_RELAY_SECRET_[A-Z0-9_]+")
"""The secret of one receiver of a relay, or the file that has it."""


def known_variables() -> frozenset[str]:
    """Return the names of all variables that begin with `TICKER_` and have a meaning."""
    settings = {PREFIX + field.name.upper() for field in msgspec.structs.fields(Settings)} - {f"{PREFIX}EDITIONS"}
    return OTHERS | settings


def _has_free_name(variable: str) -> bool:
    return _SERVICE.fullmatch(variable) is not None or _RELAY_SECRET.fullmatch(variable) is not None


def unknown_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each unknown variable that begins with `TICKER_`, with the nearest known name."""
    known = known_variables()
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name not in known and not _has_free_name(name):
            nearest = get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.75)
            yield name, nearest[0] if nearest else None
