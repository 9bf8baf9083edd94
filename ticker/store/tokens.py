"""Posting tokens: `ticker token` makes and revokes them, and `ticker api` checks them.

A token is `ticker_<id>_<secret>`. The id is public, and finds the token's record. The secret has 256 random bits. Redis
has only its SHA-256. A slow hash protects secrets that can be guessed, such as passwords, and would cost each request a
tenth of a second. Nobody can guess 256 random bits, even with a fast hash.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, cast

import msgspec

from ticker.core.errors import UNREADABLE, StoreError
from ticker.store.connection import Redis
from ticker.store.keys import TOKENS, Keys

SECRET_BYTES: Final = 32
TOKENS_MAX: Final = 1_000
"""The most tokens there can be, so that a list of them stays short."""
DAYS_MAX: Final = 366

_TOKEN: Final = re.compile(r"ticker_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


class Scope(StrEnum):
    """A use that a token allows. The editor's role limits it further."""

    POST = "post"  # new lines
    CHANGE = "change"  # changes of lines, including withdrawals
    DECIDE = "decide"  # read held items, and approve, reject and cancel them
    BREAK_GLASS = "break-glass"  # with one of the others: publish without a second person, if the editor may


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token's record. `hash` is the SHA-256 of its secret, in hex."""

    id: str
    editor: str
    editions: tuple[str, ...]
    scopes: tuple[Scope, ...]
    label: str
    created_at: datetime
    expires_at: datetime
    hash: str

    def __repr__(self) -> str:
        return f"Token({self.id})"


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to make."""

    editor: str
    editions: tuple[str, ...]
    scopes: tuple[Scope, ...]
    label: str
    days: int


_decoder = msgspec.json.Decoder(Token)


def hash_of(secret: str) -> str:
    """Return the hash of a secret, as Redis stores it."""
    return sha256(secret.encode()).hexdigest()


def is_secret_of(token: Token, secret: str) -> bool:
    """Return whether this is the token's secret. The time that it takes doesn't depend on the secret."""
    return hmac.compare_digest(token.hash, hash_of(secret))


def parse_token(text: str) -> tuple[str, str] | None:
    """Split a token into its id and its secret. Return None for any other text."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else (match[1], match[2])


async def create_token(redis: Redis, new: NewToken, now: datetime) -> tuple[Token, str]:
    """Make a token. Return its record, and the token itself: it exists nowhere else.

    Raises:
        StoreError: If the editor may not post to one of the editions, or there are too many tokens.

    """
    for edition in new.editions:
        if not await redis.hexists(Keys(edition).editors, new.editor):
            raise StoreError(
                f"{new.editor} is no editor of {edition}: run `ticker editor add {new.editor} -e {edition}` first"
            )
    if await redis.hlen(TOKENS) >= TOKENS_MAX:
        raise StoreError(f"there are {TOKENS_MAX:,} tokens already: revoke some (`ticker token list`)")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    token = Token(
        id=secrets.token_hex(6),
        editor=new.editor,
        editions=new.editions,
        scopes=new.scopes,
        label=new.label,
        created_at=now,
        expires_at=now + timedelta(days=new.days),
        hash=hash_of(secret),
    )
    await redis.hset(TOKENS, token.id, cast("str", msgspec.json.encode(token)))
    return token, f"ticker_{token.id}_{secret}"


async def find_token(redis: Redis, token_id: str) -> Token | None:
    """Return the record of a token, which may have expired. Return None if it is missing or unreadable."""
    (data,) = await redis.hmget(TOKENS, [token_id])
    return None if data is None else _decode(cast("bytes", data))


async def list_tokens(redis: Redis) -> list[Token]:
    """Return all tokens, the oldest first."""
    found = await redis.hgetall(TOKENS)
    tokens = [token for data in found.values() if (token := _decode(cast("bytes", data))) is not None]
    return sorted(tokens, key=lambda token: (token.created_at, token.id))


async def revoke_tokens(redis: Redis, ids: Sequence[str]) -> list[str]:
    """Delete tokens: the next request with one of them is refused. Return the ids of those that existed."""
    return [each for each in ids if await redis.hdel(TOKENS, each)]


async def revoke_tokens_of(redis: Redis, editor: str) -> list[str]:
    """Delete all tokens of an editor, and return their ids."""
    return await revoke_tokens(redis, [token.id for token in await list_tokens(redis) if token.editor == editor])


def _decode(data: bytes) -> Token | None:
    try:
        return _decoder.decode(data)
    except UNREADABLE:
        return None
