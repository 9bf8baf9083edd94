"""Run coroutines without an event loop, and limit how long their commands block: see `ticker.store.direct`."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol, Self, TypeVar

T = TypeVar("T")


class Waits(Protocol):
    """The functions that wait for a client's answers: those of asyncio, or the client's own."""

    def timeout(self, delay: float | None, /) -> AbstractAsyncContextManager[object]: ...

    def sleep(self, delay: float, /) -> Coroutine[object, None, object]: ...


def run(coroutine: Coroutine[object, None, T]) -> T:
    """Run a coroutine that uses one `DirectRedis` and awaits nothing else.

    Raises:
        RuntimeError: If it awaits something that needs an event loop.

    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine awaits something that needs an event loop")


class LimitReachedError(BaseException):
    """A `Limit` is reached. As with a cancellation, only the limit itself handles it."""


class Limit:
    """A time limit for the commands in its context, like `asyncio.timeout`. None is no limit.

    `limits` are those that apply now: a command must check each of them.
    """

    def __init__(self, limits: list[Limit], delay_s: float | None) -> None:
        self._limits = limits
        self.until = float("inf")
        if delay_s is not None:
            self.end_in(delay_s)

    def end_in(self, delay_s: float) -> None:
        self.until = time.monotonic() + delay_s

    async def __aenter__(self) -> Self:
        self._limits.append(self)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._limits.remove(self)
        if isinstance(error, LimitReachedError) and self.until <= time.monotonic():
            raise TimeoutError from error
