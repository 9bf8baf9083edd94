"""Fixtures of tests that need a gateway: one on a real server, in the test's own loop, and a guard against errors.

The guard fails a test that logs an error, leaves a task behind or raises in a callback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio
import structlog

from tests.support.late_gateways import listen_late
from tests.support.log_writer import LogWriter
from tests.support.short_waits import shorten_shutdown
from tests.support.waiting import eventually
from ticker.gateway import feed, hub, members
from ticker.gateway.channel import Channel
from ticker.gateway.connection_limits import ConnectionLimits
from ticker.gateway.server import Address, Gateway
from ticker.settings import Settings
from ticker.web.app import make_app

Start = Callable[..., Awaitable[Gateway]]

_TIMES: Final = {"drain_s": 0.2, "follower_paused_s": 600.0, "handshake_s": 60.0}
"""A gateway of a test stops soon. A client of a test may be slow, because the machine is busy."""


@pytest_asyncio.fixture(autouse=True)
async def no_hidden_errors(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Fail if the loop's exception handler is called, if an error is logged, or if a task outlives the test."""
    unhandled: list[Mapping[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    before = asyncio.all_tasks()
    with structlog.testing.capture_logs() as events, caplog.at_level(logging.WARNING):
        yield
    assert unhandled == []
    assert [event for event in events if event["log_level"] in ("error", "critical")] == []
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []
    left = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert left == [], "tasks outlive the test"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of the feed, of draining and of the server's end.

    Their lengths suit real networks; the logic stays the same.
    """
    monkeypatch.setattr(feed, "listen", partial(listen_late, block_ms=50))
    monkeypatch.setattr(feed, "RETRY_S", 0.05)
    monkeypatch.setattr(feed, "RECHECK_S", 0.05)
    monkeypatch.setattr(feed, "CHECK_S", 0.05)
    monkeypatch.setattr(feed, "DISCOVER_S", 0.05)
    monkeypatch.setattr(members, "CLOSING_S", 0.5)
    monkeypatch.setattr(hub, "DRAIN_STEP_S", 0.01)
    monkeypatch.setattr(hub, "DRAIN_MIN", 1)
    shorten_shutdown(monkeypatch)


@pytest_asyncio.fixture
async def log(redis_url: str) -> AsyncIterator[LogWriter]:
    """The empty log of the edition `en`."""
    writer = LogWriter(redis_url)
    await writer.begin()
    yield writer
    await writer.aclose()


@pytest_asyncio.fixture
async def start(redis_url: str) -> AsyncIterator[Start]:
    """Start gateways with the given settings, and stop them after the test.

    Then check that a gateway without followers keeps no state of them.
    """
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Gateway:
            app = partial(make_app, version="0.0")
            gateway = Gateway(redis_url, Settings(**{**_TIMES, **settings}), Address(port=0), app)
            ready = asyncio.Event()
            task = asyncio.create_task(gateway.run(ready.set), name="gateway")
            stack.push_async_callback(_stop, gateway, task)
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
            waiting.cancel()
            assert ready.is_set(), "the gateway isn't ready"
            return gateway

        yield start


@pytest_asyncio.fixture
async def gateway(log: LogWriter, start: Start) -> Gateway:
    """A gateway with the default settings. `log` is empty when it starts."""
    return await start()


async def _stop(gateway: Gateway, task: asyncio.Task[None]) -> None:
    gateway.stop()
    async with asyncio.timeout(60):
        await task
    await eventually(lambda: not gateway.hub.admission.followers, "every follower is gone")
    for each in gateway.hub.channels.values():
        assert kept_of_followers(each) == {}
    assert gateway.hub.admission._per_address == {}
    assert not gateway.hub.selections._followers
    assert not gateway.hub.selections._per_address
    assert gateway.hub.limits._requests == {}


def kept_of_followers(channel: Channel) -> dict[str, object]:
    """Return the state that a channel keeps because of followers, without empty values."""
    members = channel.members
    held = {
        "followers": len(members),
        "frame caches": list(channel.frame_caches),
        "behind": members.behind,
        "paused": members.paused,
        "closing": members._closing,
        "ahead": list(members.ahead),
        "expiries": len(members.expiries),
        "slots": [number for number, slot in enumerate(members.slots) if list(slot)],
    }
    return {name: value for name, value in held.items() if value}


def kept_of_connections(limits: ConnectionLimits) -> dict[str, object]:
    """Return the state that the limits keep because of connections, without empty values."""
    held = {
        "addresses": limits._per_address,
        "requests": limits._requests,
        "unread": limits._unread,
        "unread bytes": limits.unread_bytes,
    }
    return {name: value for name, value in held.items() if value}
