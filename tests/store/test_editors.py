from __future__ import annotations

from ticker.core.edition import Role
from ticker.store.connection import Redis
from ticker.store.editors import register, role_of, roles, set_role, unregister
from ticker.store.keys import Keys
from ticker.store.streams import read_range

KEYS = Keys("en")


async def test_registering_rings_the_bell_only_the_first_time(redis: Redis) -> None:
    assert await register(redis, "en", "ann")
    assert not await register(redis, "en", "ann")
    assert await redis.xlen(KEYS.bell) == 1
    await register(redis, "en", "bob")
    assert await redis.xlen(KEYS.bell) == 1
    assert await roles(redis, "en") == {"ann": None, "bob": None}


async def test_registering_again_keeps_the_role_until_the_editor_is_removed(redis: Redis) -> None:
    await register(redis, "en", "ann")
    await set_role(redis, "en", "ann", Role.CHIEF)
    assert not await register(redis, "en", "ann")
    assert await roles(redis, "en") == {"ann": Role.CHIEF}
    await unregister(redis, "en", "ann")
    await register(redis, "en", "ann")
    assert await roles(redis, "en") == {"ann": None}


async def test_a_change_of_role_rings_the_bell(redis: Redis) -> None:
    await set_role(redis, "en", "ann", Role.REPORTER)
    ((first, _),) = await read_range(redis, KEYS.bell)
    await set_role(redis, "en", "ann", Role.EDITOR)
    ((second, _),) = await read_range(redis, KEYS.bell)
    assert first != second


async def test_an_unknown_role_becomes_reporter(redis: Redis) -> None:
    await redis.hset(KEYS.editors, "ann", "publisher")
    assert await roles(redis, "en") == {"ann": Role.REPORTER}


async def test_role_of_returns_none_for_the_default_role_and_for_an_unknown_editor(redis: Redis) -> None:
    await register(redis, "en", "ann")
    await set_role(redis, "en", "bob", Role.CHIEF)
    assert [await role_of(redis, "en", editor) for editor in ("ann", "bob", "cid")] == [None, Role.CHIEF, None]


async def test_unregistering_deletes_the_inbox(redis: Redis) -> None:
    await register(redis, "en", "ann")
    await redis.xadd(KEYS.inbox("ann"), {"submission": "{}"})
    assert await unregister(redis, "en", "ann")
    assert await read_range(redis, KEYS.inbox("ann")) == []
    assert not await unregister(redis, "en", "ann")
