from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.desk_harness import DeskHarness


@pytest_asyncio.fixture
async def newsroom(redis_url: str) -> AsyncIterator[DeskHarness]:
    room = DeskHarness(redis_url)
    yield room
    await room.aclose()
