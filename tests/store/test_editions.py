"""Editions as they are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.errors import StoreError
from ticker.store.connections import Redis, connect
from ticker.store.editions import StoredEdition, edition_names, load_edition, save_edition
from ticker.store.keys import Keys

NONCE = "5e" * 32


@pytest_asyncio.fixture
async def redis(empty_url: str) -> AsyncIterator[Redis]:
    client = connect(empty_url, role="desk")
    yield client
    await client.aclose()


async def test_an_edition_is_read_as_it_was_saved(redis: Redis) -> None:
    await save_edition(redis, "ar", DEFAULT_EDITIONS["ar"], NONCE)
    assert await load_edition(redis, "ar") == StoredEdition("ar", DEFAULT_EDITIONS["ar"], NONCE)
    assert await edition_names(redis) == ["ar"]


async def test_saving_again_changes_the_settings_and_keeps_the_nonce(redis: Redis) -> None:
    await save_edition(redis, "en", DEFAULT_EDITIONS["ar"], NONCE)
    await save_edition(redis, "en", DEFAULT_EDITIONS["en"], "ab" * 32)
    assert await load_edition(redis, "en") == StoredEdition("en", DEFAULT_EDITIONS["en"], NONCE)


async def test_an_edition_that_nobody_made_is_none(redis: Redis) -> None:
    assert await load_edition(redis, "en") is None
    assert await edition_names(redis) == []


@pytest.mark.parametrize("nonce", ["", "5E" * 32, "5e" * 31, "zz" * 32])
async def test_a_log_begins_with_64_hex_digits_only(redis: Redis, nonce: str) -> None:
    with pytest.raises(StoreError):
        await save_edition(redis, "en", DEFAULT_EDITIONS["en"], nonce)


@pytest.mark.parametrize("settings", ["", "{}", "[" * 5000, '{"title": 1}', b"\xff"])
async def test_settings_that_are_no_edition_are_said_to_be_unreadable(redis: Redis, settings: str) -> None:
    await redis.hset(Keys("en").edition, mapping={"settings": settings, "nonce": NONCE})
    with pytest.raises(StoreError, match="edition en"):
        await load_edition(redis, "en")
