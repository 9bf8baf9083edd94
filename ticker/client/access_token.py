"""The token with which programs read a private edition, from the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ticker.store.url import password_from

VARIABLE: Final = "TICKER_ACCESS_TOKEN"


def token_from(environ: Mapping[str, str]) -> str | Callable[[], str] | None:
    """Return the token in `TICKER_ACCESS_TOKEN`, or a function that reads the file of `TICKER_ACCESS_TOKEN_FILE`.

    The file is read before each connection, so another program can renew the token.

    Raises:
        SettingsError: If both variables are set, or the file can't be read or is empty.

    """
    token = password_from(environ, VARIABLE)
    if not environ.get(f"{VARIABLE}_FILE"):
        return token
    return lambda: password_from(environ, VARIABLE) or ""
