"""The outcome of a request that no desk answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.desk_harness import DeskHarness, new
from ticker.client.pending_request import PendingRequest
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.connection import connect
from ticker.store.log_reader import rotate


@pytest_asyncio.fixture
async def harness(redis_url: str) -> AsyncIterator[DeskHarness]:
    harness = DeskHarness(redis_url)
    yield harness
    await harness.aclose()


async def submit_again(harness: DeskHarness, key: str) -> Receipt:
    """Submit a request again while no desk runs."""
    redis = connect(harness.url, role="tick", blocking=True)
    try:
        request = new(key, deadline_s=0.1)
        return await PendingRequest(harness.url, "en", "ann", request, may_repeat=True).run(redis)
    finally:
        await redis.aclose()


@pytest.mark.parametrize("rotates", [False, True])
async def test_without_a_desk_an_earlier_receipt_counts_only_in_the_present_history(
    harness: DeskHarness, rotates: bool
) -> None:
    async with harness.desk():
        first = await harness.ask("ann", new("k1"))
    if rotates:
        await rotate(harness.redis, "en", "ab" * 32)
    again = await submit_again(harness, "k1")
    if rotates:
        assert (again.status, again.errors[0].code) == (ReceiptStatus.NOT_ON_AIR, "no-desk")
    else:
        assert again == first
