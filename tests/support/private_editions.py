"""Private editions in tests: keys, and tokens that are right or wrong in one respect."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import msgspec

from ticker.core.edition import DEFAULT_EDITIONS, Access, Edition
from ticker.gateway.tokens import LEEWAY_S, Algorithm, Key, make_token, new_key, write_keys

SECRET: Final = new_key("secret", Algorithm.HS256)
SIGNER: Final = new_key("signer", Algorithm.EDDSA)
STRANGER: Final = new_key("secret", Algorithm.HS256)
"""A key that no gateway has, with the name of one."""
HOUR_S: Final = 3600


def private_edition(name: str = "en", **fields: object) -> Edition:
    """Return a private edition with the settings of a default one."""
    return msgspec.structs.replace(DEFAULT_EDITIONS[name], access=Access.TOKEN, **fields)


def keys_file(folder: Path) -> str:
    """Write a file of keys for a gateway. Return its path."""
    path = folder / "keys.json"
    write_keys(path, [SIGNER.public(), SECRET])
    return str(path)


def token_for(*editions: str, key: Key = SECRET, for_s: int = HOUR_S) -> str:
    """Return a token. With a negative `for_s`, it has expired that long ago."""
    now = int(time.time())
    return make_token(key, editions, now + min(for_s, 0), abs(for_s) if for_s > 0 else 0)


def bearer(token: str) -> dict[str, str]:
    """Return the headers of a request with a token."""
    return {"Authorization": f"Bearer {token}"}


def wrong_tokens(edition: str) -> dict[str, dict[str, str]]:
    """Return the headers of requests that must not open an edition, by what is wrong."""
    return {
        "no token": {},
        "another edition's": bearer(token_for("other")),
        "expired": bearer(token_for(edition, for_s=-LEEWAY_S - 1)),
        "wrong key": bearer(token_for(edition, key=STRANGER)),
        "another scheme": {"Authorization": f"Basic {token_for(edition)}"},
    }
