from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.desk_harness import WITH_SECOND_PERSON, DeskHarness
from ticker.core.edition import Role


@pytest_asyncio.fixture
async def harness(redis_url: str) -> AsyncIterator[DeskHarness]:
    harness = DeskHarness(redis_url)
    yield harness
    await harness.aclose()


@pytest_asyncio.fixture
async def careful(redis_url: str) -> AsyncIterator[DeskHarness]:
    """An edition that requires second persons, with a reporter, two editors and a chief."""
    harness = DeskHarness(redis_url, like=WITH_SECOND_PERSON)
    await harness.set_roles(rana=Role.REPORTER, ann=Role.EDITOR, bob=Role.EDITOR, cleo=Role.CHIEF)
    yield harness
    await harness.aclose()
