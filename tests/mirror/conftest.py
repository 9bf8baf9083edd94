"""Fixtures of the mirror's tests, which run on uvloop, as in production."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import uvloop

from tests.support.gateway_fixtures import gateway, log, no_hidden_errors, short_waits, start

__all__ = ["gateway", "log", "no_hidden_errors", "short_waits", "start"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}
