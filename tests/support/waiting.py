"""Wait for a condition. The limits only end a test that hangs: a slow machine never reaches them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

WAIT_S: Final = 60.0
"""Maximum time for any single wait. On an idle machine most waits take milliseconds."""

POLL_S: Final = 0.005
POLL_MOST_S: Final = 0.03
"""Intervals between two checks of a condition: the first, and the longest."""


def pause_s(waited_s: float) -> float:
    """Return the time until the next check of a condition: an eighth of the wait so far, within the limits.

    A check uses the processor: it asks a server, or draws a screen. That delays what a long wait is for.
    """
    return min(max(waited_s / 8, POLL_S), POLL_MOST_S)


def until(condition: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Block until `condition()` is true.

    Raises:
        AssertionError: With `what`, if that takes longer than `within_s`.

    """
    began = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - began
        assert waited_s < within_s, f"not within {within_s:g} s: {what}"
        time.sleep(pause_s(waited_s))


async def eventually(
    condition: Callable[[], object] | Callable[[], Awaitable[object]], what: str, within_s: float = WAIT_S
) -> None:
    """Wait until `condition()` is true. Like `until`, but for coroutines; the condition may be a coroutine function."""
    began = time.monotonic()
    while not await _result(condition):
        waited_s = time.monotonic() - began
        assert waited_s < within_s, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(pause_s(waited_s))


async def _result(condition: Callable[[], object] | Callable[[], Awaitable[object]]) -> object:
    result = condition()
    return await result if isinstance(result, Awaitable) else result
