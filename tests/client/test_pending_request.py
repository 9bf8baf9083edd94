"""The outcome of a request that no desk answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from tests.support.desk_harness import DeskHarness, new
from tests.support.waiting import eventually
from ticker.client.pending_request import PendingRequest, with_reach
from ticker.core.submission import Reach, Receipt, ReceiptStatus
from ticker.store.connection import Redis, connect, open_redis
from ticker.store.log_reader import rotate
from ticker.store.reach import Report, report_reach


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


async def test_the_reach_is_known_as_soon_as_the_last_gateway_reports_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticker.client.pending_request.REACH_S", 600.0)
    monkeypatch.setattr("ticker.client.pending_request.REACH_STEADY_S", 600.0)
    receipt = Receipt(status=ReceiptStatus.ON_AIR, edition="en", key="k", action="new", position=f"2-{'0' * 16}")
    async with open_redis(redis_url, role="gateway") as gateway, open_redis(redis_url, role="tick") as tick:
        for name in ("a", "b"):
            await report_reach(gateway, "en", Report(name, 1, 1, followers=1, ms=1.0))
        waiting = asyncio.create_task(with_reach(tick, receipt))
        for name in ("a", "b"):
            await eventually(partial(_is_blocked, gateway), "the reader waits")
            await report_reach(gateway, "en", Report(name, 2, 2, followers=3, ms=1.0))
        assert (await waiting).reach == Reach(gateways=2, followers=6, ms=1.0)


async def _is_blocked(redis: Redis) -> bool:
    return bool((await redis.info("clients"))["blocked_clients"])
