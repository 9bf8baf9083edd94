from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.desk_harness import Newsroom


@pytest_asyncio.fixture
async def newsroom(redis_url: str) -> AsyncIterator[Newsroom]:
    room = Newsroom(redis_url)
    yield room
    await room.aclose()
