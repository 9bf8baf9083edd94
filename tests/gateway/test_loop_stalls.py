"""Delays of the event loop are counted in a histogram."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.support.waiting import eventually
from ticker.gateway.loop_stalls import BOUNDS_S, LoopStalls


def test_delay_is_counted_in_the_first_bucket_that_holds_it() -> None:
    stalls = LoopStalls()
    for delay_s in (0.0, BOUNDS_S[0], 0.4, 100.0):
        stalls.add(delay_s)
    assert stalls.counts[0] == 2
    assert stalls.counts[BOUNDS_S.index(0.5)] == 1
    assert stalls.counts[-1] == 1
    assert stalls.total_s == pytest.approx(100.401)


def test_bounds_rise() -> None:
    assert list(BOUNDS_S) == sorted(set(BOUNDS_S))


async def test_loop_is_measured_until_cancelled() -> None:
    stalls = LoopStalls()
    watching = asyncio.create_task(stalls.watch(itertools.count().__next__))
    await eventually(lambda: sum(stalls.counts) > 1, "the loop is measured")
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
