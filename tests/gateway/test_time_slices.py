"""Work is done in the order in which it comes, a time slice per iteration of the event loop."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

from tests.support.waiting import eventually
from ticker.gateway.time_slices import SLICE_S, TimeSlices


class Worker:
    """Work that takes a third of a time slice, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[int] = []
        self.slices = TimeSlices(lambda: self.now)

    def add(self, number: int) -> None:
        self.slices.run(partial(self._work, number))

    def _work(self, number: int) -> None:
        self.now += SLICE_S / 3
        self.done.append(number)


async def test_work_within_the_slice_is_done_at_once() -> None:
    worker = Worker()
    for number in range(3):
        worker.add(number)
    assert worker.done == [0, 1, 2]


async def test_work_beyond_the_slice_is_done_in_order_in_later_iterations() -> None:
    worker, seen = Worker(), list[int]()
    for number in range(10):
        worker.add(number)
    while len(worker.done) < 10:
        seen.append(len(worker.done))
        await asyncio.sleep(0)
    assert worker.done == list(range(10))
    assert seen[0] == 3
    assert all(after - before <= 4 for before, after in itertools.pairwise(seen)), seen


async def test_new_work_waits_behind_waiting_work() -> None:
    worker = Worker()
    for number in range(5):
        worker.add(number)
    worker.now += 1
    worker.add(5)
    await eventually(lambda: len(worker.done) == 6, "all work is done")
    assert worker.done == list(range(6))


async def test_work_after_a_pause_is_done_at_once() -> None:
    worker = Worker()
    for number in range(4):
        worker.add(number)
    await eventually(lambda: len(worker.done) == 4, "all work is done")
    await asyncio.sleep(0)
    worker.add(4)
    assert worker.done[-1] == 4


async def test_work_that_raises_does_not_stop_the_rest() -> None:
    reported: list[object] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    worker, error = Worker(), ValueError("for this test")

    def fail() -> None:
        raise error

    for number in range(3):
        worker.add(number)
    worker.slices.run(fail)
    worker.add(3)
    await eventually(lambda: len(worker.done) == 4, "the work after it is done")
    loop.set_exception_handler(handler)
    assert reported == [error]
