"""What comes for thousands at once is done in the order in which it came, and the loop breathes between."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

from tests.support.gateway_clients import until
from ticker.gateway.time_slices import TURN_S, Turns


class Worker:
    """Work that takes a third of a turn, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[int] = []
        self.turns = Turns(lambda: self.now)

    def work(self, number: int) -> None:
        self.now += TURN_S / 3
        self.done.append(number)


async def test_what_fits_in_a_turn_is_done_at_once() -> None:
    worker = Worker()
    for number in range(3):
        worker.turns.take(partial(worker.work, number))
    assert worker.done == [0, 1, 2]


async def test_the_rest_comes_in_the_next_steps_in_its_order() -> None:
    worker, seen = Worker(), list[int]()
    for number in range(10):
        worker.turns.take(partial(worker.work, number))
    while len(worker.done) < 10:
        seen.append(len(worker.done))
        await asyncio.sleep(0)
    assert worker.done == list(range(10))
    assert seen[0] == 3
    assert all(after - before <= 4 for before, after in itertools.pairwise(seen)), seen


async def test_what_comes_while_others_wait_waits_behind_them() -> None:
    worker = Worker()
    for number in range(5):
        worker.turns.take(partial(worker.work, number))
    worker.now += 1
    worker.turns.take(partial(worker.work, 5))
    await until(lambda: len(worker.done) == 6, "all is done")
    assert worker.done == list(range(6))


async def test_after_a_pause_work_is_done_at_once_again() -> None:
    worker = Worker()
    for number in range(4):
        worker.turns.take(partial(worker.work, number))
    await until(lambda: len(worker.done) == 4, "all is done")
    await asyncio.sleep(0)
    worker.turns.take(partial(worker.work, 4))
    assert worker.done[-1] == 4


async def test_work_that_fails_keeps_nobody_else_waiting() -> None:
    told: list[object] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    worker, error = Worker(), ValueError("for this test")

    def fail() -> None:
        raise error

    for number in range(3):
        worker.turns.take(partial(worker.work, number))
    worker.turns.take(fail)
    worker.turns.take(partial(worker.work, 3))
    await until(lambda: len(worker.done) == 4, "the one behind it is done")
    loop.set_exception_handler(handler)
    assert told == [error]
