"""Wait without an event loop, with a connection that blocks: see `ticker.store.direct`."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from publisher_cli.submit import waiting
from publisher_cli.submit.undo_window import Window
from publisher_cli.submit.waiting import Answer
from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.store import blocking
from ticker.store.direct import DirectRedis

if TYPE_CHECKING:
    from publisher_cli.session import Session
    from ticker.store.direct import AnyRedis

T = TypeVar("T")


class Directly:
    """Waits for a `DirectRedis`. See `Waiting`."""

    def run(self, coroutine: Coroutine[object, None, T]) -> T:
        return blocking.run(coroutine)

    def redis(self, session: Session) -> AbstractAsyncContextManager[AnyRedis]:
        return session.direct_redis()

    async def answer(self, redis: AnyRedis, pending: PendingRequest, show_seconds: Callable[[int], None]) -> Answer:
        assert isinstance(redis, DirectRedis)
        limit = redis.timeout(None)
        redis.while_waiting = _each_second(show_seconds)

        def interrupt() -> None:
            if not pending.is_sent:
                raise KeyboardInterrupt
            limit.end_in(waiting.LOOKUP_S)

        try:
            with _first_interrupt(interrupt) as interrupts:
                async with limit:
                    receipt = await pending.run(redis)
                return Answer(receipt, bool(interrupts))
        except TimeoutError:
            return Answer(pending.unconfirmed("interrupted"), is_interrupted=True)
        finally:
            redis.while_waiting = lambda: None
            show_seconds(0)

    async def wait_for_window(
        self, console: Console, session: Session, redis: AnyRedis, pending: PendingRequest, held: Answer
    ) -> Answer:
        assert isinstance(redis, DirectRedis)
        window = Window(console, session, pending, held.receipt)
        window.show_left()
        redis.while_waiting = window.show_left
        limit = redis.timeout(0 if held.is_interrupted else None)
        try:
            with _first_interrupt(lambda: limit.end_in(0)) as interrupts:
                async with limit:
                    return Answer(await window.final(redis), bool(interrupts))
        except TimeoutError:
            pass  # Ctrl-C
        finally:
            redis.while_waiting = lambda: None
            console.show_progress("")
        return Answer(await window.take_back(redis), is_interrupted=True)


def _each_second(show_seconds: Callable[[int], None]) -> Callable[[], None]:
    """Return a function that calls `show_seconds` if another second has passed."""
    begun, shown = time.monotonic(), 0

    def show() -> None:
        nonlocal shown
        seconds = int(time.monotonic() - begun)
        if seconds > shown:
            shown = seconds
            show_seconds(seconds)

    return show


@contextmanager
def _first_interrupt(handle: Callable[[], None]) -> Iterator[list[bool]]:
    """Call `handle` at the first Ctrl-C in the context. Yield a list that isn't empty from then on.

    A second Ctrl-C raises as usual.
    """
    interrupts: list[bool] = []

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, earlier)
        interrupts.append(True)
        handle()

    earlier = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, earlier)
