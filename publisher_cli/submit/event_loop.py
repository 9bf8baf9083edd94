"""Wait in an event loop: through Sentinel, in a Cluster, and for several things at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from itertools import count
from typing import TYPE_CHECKING, Final, TypeVar

from publisher_cli.submit import waiting
from publisher_cli.submit.interrupt_event import catch_interrupt
from publisher_cli.submit.undo_window import Window
from publisher_cli.submit.waiting import Answer
from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.core.submission import Receipt

if TYPE_CHECKING:
    from publisher_cli.session import Session
    from ticker.store.direct import AnyRedis

T = TypeVar("T")

_AFTER_SECOND_S: Final = 0.001
"""So that the next second has surely begun."""


class EventLoop:
    """Waits for a client of redis-py. See `Waiting`."""

    def run(self, coroutine: Coroutine[object, None, T]) -> T:
        return asyncio.run(coroutine)

    def redis(self, session: Session) -> AbstractAsyncContextManager[AnyRedis]:
        return session.redis()

    async def answer(self, redis: AnyRedis, pending: PendingRequest, show_seconds: Callable[[int], None]) -> Answer:
        answer = asyncio.create_task(pending.run(redis))
        others: list[asyncio.Task[object]] = [asyncio.create_task(_every_second(show_seconds))]
        try:
            with catch_interrupt() as interrupted:
                others.append(asyncio.create_task(interrupted.wait()))
                await asyncio.wait((answer, others[-1]), return_when=asyncio.FIRST_COMPLETED)
                is_interrupted = interrupted.is_set()
                if is_interrupted and not pending.is_sent:
                    answer.cancel()  # it is not sent later: a cancelled task doesn't run on
                    raise KeyboardInterrupt
                if is_interrupted:
                    await asyncio.wait((answer,), timeout=waiting.LOOKUP_S)
            receipt = answer.result() if answer.done() else pending.unconfirmed("interrupted")
            return Answer(receipt, is_interrupted)
        finally:
            await _cancel(answer, *others)
            show_seconds(0)

    async def wait_for_window(
        self, console: Console, session: Session, redis: AnyRedis, pending: PendingRequest, held: Answer
    ) -> Answer:
        window = Window(console, session, pending, held.receipt)
        receipt: Receipt | None = None
        with catch_interrupt() as interrupted:
            if held.is_interrupted:
                interrupted.set()
            try:
                receipt = await _final_unless(window, redis, interrupted)
            except asyncio.CancelledError:
                # The editor pressed Ctrl-C just before our handler was installed. The message promised to take it back.
                task = asyncio.current_task()
                if task is None or not task.cancelling():
                    raise
                task.uncancel()
                interrupted.set()
            finally:
                console.show_progress("")
        receipt = await window.take_back(redis) if receipt is None else receipt
        return Answer(receipt, interrupted.is_set())


async def _final_unless(window: Window, redis: AnyRedis, interrupted: asyncio.Event) -> Receipt | None:
    """Return the final receipt, or None if Ctrl-C comes first."""
    final = asyncio.create_task(window.final(redis))
    others: list[asyncio.Task[object]] = [
        asyncio.create_task(interrupted.wait()),
        asyncio.create_task(_count_down(window)),
    ]
    try:
        await asyncio.wait((final, others[0]), return_when=asyncio.FIRST_COMPLETED)
        return await final if final.done() else None
    finally:
        for task in (final, *others):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _count_down(window: Window) -> None:
    while window.left_s > 0:
        window.show_left()
        await asyncio.sleep(window.left_s % 1 + _AFTER_SECOND_S)


async def _cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _every_second(show_seconds: Callable[[int], None]) -> None:
    for seconds in count(1):
        await asyncio.sleep(1)
        show_seconds(seconds)
