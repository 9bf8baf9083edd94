"""Shorten waits whose lengths suit real networks. The logic stays the same."""

from __future__ import annotations

import asyncio
import types
from typing import Any, Final

import pytest

SHUTDOWN: Final = 1 / 20


def shorten_shutdown(patch: pytest.MonkeyPatch) -> None:
    """Let uvicorn servers of this process end at once.

    A server looks ten times per second whether it should end, and whether its connections have ended. So each test that
    stops one would wait for 0.2 s, without any use of the processor.
    """
    quick: Any = types.ModuleType("asyncio")
    vars(quick).update(vars(asyncio))
    quick.sleep = lambda delay_s: asyncio.sleep(delay_s * SHUTDOWN)
    patch.setattr("uvicorn.server.asyncio", quick)
