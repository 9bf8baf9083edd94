"""The editions that exist, their settings for everybody to read, and the nonces that their logs begin with."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, Final, cast

import msgspec

from ticker.core.edition import Edition
from ticker.core.errors import UNREADABLE, SettingsError, StoreError
from ticker.store.connection import Redis
from ticker.store.keys import EDITIONS, Keys
from ticker.store.scripts import script

_NONCE: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Edition)


class StoredEdition(msgspec.Struct, frozen=True):
    """An edition as kept in Redis. `nonce` is the link before the log's first entry: 64 hex digits."""

    name: str
    edition: Edition
    nonce: str


def check_nonce(nonce: str) -> str:
    """Give back 64 lower-case hex digits.

    Raises:
        StoreError: For anything else.

    """
    if _NONCE.fullmatch(nonce) is None:
        raise StoreError(f"a nonce of {len(nonce)} characters can't begin a log: it has 64 lower-case hex digits")
    return nonce


async def save_edition(redis: Redis, name: str, edition: Edition, nonce: str) -> None:
    """Make an edition or change its settings. `nonce` begins the log of a new one; an old one keeps its own.

    Raises:
        SettingsError: If this would make a test of a public edition that is in use, or the other way round.

    """
    keys = Keys(name)
    names = (keys.edition, keys.log, keys.held)
    settings = cast("str", _encoder.encode(edition))
    if not await redis.eval(script("edition"), len(names), *names, settings, check_nonce(nonce), keys.editors):
        was, wanted = ("public", "a test") if edition.test else ("a test", "public")
        raise SettingsError(
            f"edition {name} is {was}, and the settings have it as {wanted}: what is in it was meant for {was}. Put "
            f"`test = {str(not edition.test).lower()}` back into [editions.{name}], and give the other an edition of "
            "its own"
        )
    # Last, and not with the others: the set lives in another slot, and who finds the name in it finds the rest.
    await _done(redis.sadd(EDITIONS, name))


async def load_edition(redis: Redis, name: str) -> StoredEdition | None:
    """The edition, or None where there is none of this name.

    Raises:
        StoreError: If what is kept is no edition that this version can read.

    """
    settings, nonce = await _done(redis.hmget(Keys(name).edition, ["settings", "nonce"]))
    if settings is None or nonce is None:
        return None
    try:
        return StoredEdition(name, _decoder.decode(settings), check_nonce(nonce.decode(errors="replace")))
    except UNREADABLE as error:
        raise StoreError(f"the settings kept for edition {name} can't be read by this version: {error}") from error


async def edition_names(redis: Redis) -> list[str]:
    """The names of the editions that exist, sorted."""
    return sorted(name.decode() for name in await _done(redis.smembers(EDITIONS)))


async def _done(reply: Awaitable[Any] | Any) -> Any:
    """The reply; redis-py's types say that it may have come already, which an asynchronous client's never has."""
    return await reply
