"""A task that uses Redis ends when it is cancelled, at any moment."""

from __future__ import annotations

import asyncio

import pytest

from ticker.store.connection import connect
from ticker.store.streams import read_streams


@pytest.mark.parametrize("turns", range(16))
async def test_a_reader_ends_when_it_is_cancelled_after_any_number_of_steps(empty_url: str, turns: int) -> None:
    redis = connect(empty_url, role="desk", blocking=True)

    async def read_for_ever() -> None:
        while True:
            await read_streams(redis, {"nothing": "0-0"}, count=1, block_ms=3000)

    task = asyncio.create_task(read_for_ever())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=60)
    await redis.aclose()
    assert done
    assert task.cancelled()
