"""Parts of both ways to read an edition, over a connection and by polling: addresses, tokens and refusals."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from ticker.core.edition import check_name
from ticker.core.errors import SettingsError, StoreError

RETRY_FIRST_S: Final = 0.5
RETRY_MOST_S: Final = 5.0
"""Short, because few of these clients run at a time, and an editor waits in front of each."""
OPEN_S: Final = 10.0
PERMANENT: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""A gateway that answers with one of these would do so again."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

TokenSource: TypeAlias = str | Callable[[], str | Awaitable[str]] | None
"""A token of a private edition, or a function that returns one. The function is called before each connection."""


class RefusedError(SettingsError):
    """The gateway refuses the request, and a retry would not help."""

    code = "refused"


def parse_edition_url(url: str) -> tuple[str, str]:
    """Split an edition's address into that of its gateway and its name.

    Raises:
        SettingsError: If `url` isn't the address of an edition.

    """
    gateway, _, name = url.rstrip("/").rpartition("/")
    check_gateway(gateway, url, "http://127.0.0.1:8080/en")
    return gateway, check_name(unquote(name))


def check_gateway(gateway: str, given: str, example: str) -> None:
    """Check that `gateway` is an http address.

    Raises:
        SettingsError: If it isn't. The message quotes `given`, and has an `example`.

    """
    parts = urlsplit(gateway)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{given[:60]!a} is not the address of a gateway: write it like {example}")


async def value_of(token: TokenSource) -> str | None:
    """Return the token to connect with.

    Raises:
        StoreError: If the function that renews it fails because of the network or the disk. The reader tries again.

    """
    if token is None or isinstance(token, str):
        return token
    try:
        value = token()
        return await value if inspect.isawaitable(value) else value
    except OSError as error:
        raise StoreError(f"the token can't be renewed ({type(error).__name__})") from error
    except SettingsError as error:
        raise StoreError(f"the token can't be renewed: {error}") from error


def detail_of(body: bytes | bytearray | None) -> str:
    """Return the sentence of a gateway's refusal, or an empty text if `body` isn't one."""
    try:
        return str(json.loads(bytes(body or b""))["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return ""
