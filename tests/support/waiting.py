"""Wait for a condition. The limits only end a test that hangs: a slow machine never reaches them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

WAIT_S: Final = 60.0
"""Maximum time for any single wait. On an idle machine most waits take milliseconds."""

POLL_S: Final = 0.005


def until(condition: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Block until `condition()` is true.

    Raises:
        AssertionError: With `what`, if that takes longer than `within_s`.

    """
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(POLL_S)


async def eventually(
    condition: Callable[[], object] | Callable[[], Awaitable[object]], what: str, within_s: float = WAIT_S
) -> None:
    """Wait until `condition()` is true. Like `until`, but for coroutines; the condition may be a coroutine function."""
    deadline = time.monotonic() + within_s
    while not await _result(condition):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(POLL_S)


async def _result(condition: Callable[[], object] | Callable[[], Awaitable[object]]) -> object:
    result = condition()
    return await result if isinstance(result, Awaitable) else result
