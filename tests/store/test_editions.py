"""Editions as stored in Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.errors import SettingsError, StoreError
from ticker.store.connection import Redis, connect
from ticker.store.editions import StoredEdition, edition_names, load_edition, save_edition
from ticker.store.keys import Keys

NONCE = "5e" * 32


@pytest_asyncio.fixture
async def redis(empty_url: str) -> AsyncIterator[Redis]:
    client = connect(empty_url, role="desk")
    yield client
    await client.aclose()


async def test_an_edition_is_loaded_as_it_was_saved(redis: Redis) -> None:
    await save_edition(redis, "ar", DEFAULT_EDITIONS["ar"], NONCE)
    assert await load_edition(redis, "ar") == StoredEdition("ar", DEFAULT_EDITIONS["ar"], NONCE)
    assert await edition_names(redis) == ["ar"]


async def test_saving_again_changes_the_settings_and_keeps_the_nonce(redis: Redis) -> None:
    await save_edition(redis, "en", DEFAULT_EDITIONS["ar"], NONCE)
    await save_edition(redis, "en", DEFAULT_EDITIONS["en"], "ab" * 32)
    assert await load_edition(redis, "en") == StoredEdition("en", DEFAULT_EDITIONS["en"], NONCE)


PUBLIC = DEFAULT_EDITIONS["en"]
TEST = msgspec.structs.replace(PUBLIC, test=True)


@pytest.mark.parametrize(("first", "second"), [(PUBLIC, TEST), (TEST, PUBLIC)], ids=["public", "test"])
async def test_an_unused_edition_may_become_a_test_or_public(redis: Redis, first: Edition, second: Edition) -> None:
    await save_edition(redis, "en", first, NONCE)
    await save_edition(redis, "en", second, NONCE)
    assert await load_edition(redis, "en") == StoredEdition("en", second, NONCE)


@pytest.mark.parametrize("what", ["log", "held", "editors"])
@pytest.mark.parametrize(("first", "second"), [(PUBLIC, TEST), (TEST, PUBLIC)], ids=["public", "test"])
async def test_an_edition_in_use_never_becomes_a_test_or_public(
    redis: Redis, first: Edition, second: Edition, what: str
) -> None:
    await save_edition(redis, "en", first, NONCE)
    keys = Keys("en")
    match what:
        case "log":
            await redis.xadd(keys.log, {"entry": "x", "link": NONCE}, id="1-0")
        case "held":
            await redis.hset(keys.held, "h", "x")
        case _:
            await redis.hset(keys.editors, "maha", "")
    with pytest.raises(SettingsError, match=r"\[editions.en\]"):
        await save_edition(redis, "en", second, NONCE)
    assert await load_edition(redis, "en") == StoredEdition("en", first, NONCE)
    other = msgspec.structs.replace(first, title="Another title")
    await save_edition(redis, "en", other, NONCE)
    assert await load_edition(redis, "en") == StoredEdition("en", other, NONCE)


async def test_settings_without_a_test_mark_are_those_of_a_public_edition(redis: Redis) -> None:
    old = {"title": "Breaking news", "lang": "en", "dir": "ltr"}
    await redis.hset(Keys("en").edition, mapping={"settings": msgspec.json.encode(old), "nonce": NONCE})
    await redis.hset(Keys("en").editors, "maha", "")
    with pytest.raises(SettingsError, match="is public"):
        await save_edition(redis, "en", TEST, NONCE)
    await save_edition(redis, "en", PUBLIC, NONCE)


async def test_load_edition_returns_none_for_an_unknown_edition(redis: Redis) -> None:
    assert await load_edition(redis, "en") is None
    assert await edition_names(redis) == []


@pytest.mark.parametrize("nonce", ["", "5E" * 32, "5e" * 31, "zz" * 32])
async def test_a_nonce_must_be_64_hex_digits(redis: Redis, nonce: str) -> None:
    with pytest.raises(StoreError):
        await save_edition(redis, "en", DEFAULT_EDITIONS["en"], nonce)


@pytest.mark.parametrize("settings", ["", "{}", "[" * 5000, '{"title": 1}', b"\xff"])
async def test_invalid_stored_settings_raise(redis: Redis, settings: str) -> None:
    await redis.hset(Keys("en").edition, mapping={"settings": settings, "nonce": NONCE})
    with pytest.raises(StoreError, match="edition en"):
        await load_edition(redis, "en")
