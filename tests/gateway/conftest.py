"""The event loops of the gateway's tests: uvloop, as in production.

The modules in `BOTH` run on asyncio's own loop as well: nothing may depend on either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.support.gateway_fixtures import gateway, log, no_hidden_errors, short_waits, start

__all__ = ["gateway", "log", "no_hidden_errors", "short_waits", "start"]

BOTH = {"test_write_groups.py", "test_schedules.py", "test_slow_readers.py"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if item.path.name in BOTH:
        factories["asyncio"] = asyncio.SelectorEventLoop
    return factories
