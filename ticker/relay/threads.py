"""Run the blocking requests of a library in threads of one receiver, so that no receiver waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ticker.relay.posts import ServiceError
from ticker.relay.records import Failed

T = TypeVar("T")

WORKERS: Final = 8
"""Requests at the same time: one with a text, one with a withdrawal, and some that timed out but haven't ended."""


class Threads:
    """Threads for requests that take `timeout_s` at most."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="relay")

    async def run(self, call: Callable[[], T]) -> T:
        """Return the result of `call`. Raises ServiceError after the timeout: the request may still take effect."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except TimeoutError:
            raise ServiceError(Failed(reason=f"no response within {self._timeout_s:g} s")) from None

    def close(self) -> None:
        """Stop after the running requests, without waiting for them."""
        self._pool.shutdown(wait=False, cancel_futures=True)
