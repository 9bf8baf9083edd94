"""The desk of all editions: it creates them, reports its condition, and starts without Redis."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator

import pytest

from tests.support.desk_harness import DeskHarness, NewHarness, new
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core.errors import SettingsError
from ticker.core.submission import ReceiptStatus
from ticker.desk.desk import DeskState, run_desk
from ticker.settings import Settings
from ticker.store.connection import connect
from ticker.store.editions import edition_names


async def test_a_fault_of_one_edition_does_not_stop_another(redis_url: str, new_harness: NewHarness) -> None:
    settings, state = Settings(), DeskState()
    harness, other = new_harness(redis_url), new_harness(redis_url, "ar")
    async with harness.desk():
        await harness.ask("ann", new("k1"))
    await harness.forge_entry(1, lambda data: data.replace(b"Quake", b"Quack"))
    task = asyncio.create_task(run_desk(functools.partial(connect, redis_url, role="desk"), settings, state=state))
    await asyncio.wait_for(state.ready.wait(), 60)
    receipt = await other.ask("ann", new("k1", lang="en"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert receipt.status is ReceiptStatus.ON_AIR
    assert state.editions["en"].fault is not None
    assert not state.is_ready


@pytest.fixture
async def desk_state(redis_url: str) -> AsyncIterator[DeskState]:
    state = DeskState()
    connector = functools.partial(connect, redis_url, role="desk")
    task = asyncio.create_task(run_desk(connector, Settings(), state=state))
    await asyncio.wait_for(state.ready.wait(), 60)
    yield state
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_desk_creates_the_editions_of_its_settings(harness: DeskHarness, desk_state: DeskState) -> None:
    assert await edition_names(harness.redis) == list(Settings().editions)
    assert desk_state.is_ready


async def test_an_edition_without_settings_is_refused(redis_url: str) -> None:
    with pytest.raises(SettingsError, match="'xx' has no settings"):
        await run_desk(functools.partial(connect, redis_url, role="desk"), Settings(), editions=["xx"])


async def test_the_desk_starts_without_redis_and_accepts_requests_once_it_is_there(
    harness: DeskHarness, redis_server: RedisServer
) -> None:
    redis_server.stop()
    state = DeskState()
    task = asyncio.create_task(run_desk(harness.connector, harness.settings, state=state))
    await eventually(lambda: _true(state.editions["en"].errors > 1 if state.editions else False), "the desk tries")
    assert not state.is_ready
    redis_server.start()
    await asyncio.wait_for(state.ready.wait(), 60)
    assert (await harness.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _true(value: bool) -> bool:
    return value
