"""A gateway on a real server, in the test's own loop; and a guard: no test may leave an error behind.

The loop is uvloop, as in production. The modules in `BOTH` run on asyncio's own as well: nothing may depend on either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
import structlog
import uvloop

from tests.support.gateway_clients import until
from tests.support.log_writer import LogWriter
from ticker.gateway import channel, feed, hub
from ticker.gateway.channel import Channel
from ticker.gateway.server import Address, Gateway
from ticker.settings import Settings
from ticker.store.log_reader import tail

BOTH = {"test_ranks.py", "test_schedules.py", "test_slow_readers.py"}

Start = Callable[..., Awaitable[Gateway]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if item.path.name in BOTH:
        factories["asyncio"] = asyncio.SelectorEventLoop
    return factories


@pytest_asyncio.fixture(autouse=True)
async def nothing_goes_wrong_unseen(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Fail on what a loop's exception handler is told of, on logged errors, and on tasks that outlive the test."""
    told: list[Mapping[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    before = asyncio.all_tasks()
    with structlog.testing.capture_logs() as events, caplog.at_level(logging.WARNING):
        yield
    assert told == []
    assert [event for event in events if event["log_level"] in ("error", "critical")] == []
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []
    left = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert left == [], "tasks outlive the test"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed's waits, which are for other machines, cut short: what follows on them stays the same."""
    monkeypatch.setattr(feed, "tail", partial(tail, block_ms=50))
    monkeypatch.setattr(feed, "RETRY_S", 0.05)
    monkeypatch.setattr(feed, "DISCOVER_S", 0.05)
    monkeypatch.setattr(channel, "CLOSING_S", 0.5)
    monkeypatch.setattr(hub, "DRAIN_STEP_S", 0.01)
    monkeypatch.setattr(hub, "DRAIN_LEAST", 1)


@pytest_asyncio.fixture
async def log(redis_url: str) -> AsyncIterator[LogWriter]:
    """The log of the edition `en`, empty."""
    writer = LogWriter(redis_url)
    await writer.begin()
    yield writer
    await writer.aclose()


@pytest_asyncio.fixture
async def start(redis_url: str) -> AsyncIterator[Start]:
    """Starts gateways on the server, with other settings where they are given; and stops them.

    At the end it checks that a gateway that all followers have left keeps nothing of them.
    """
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Gateway:
            gateway = Gateway(redis_url, Settings(**{"drain_s": 0.2, **settings}), Address(port=0), "0.0")
            ready = asyncio.Event()
            task = asyncio.create_task(gateway.run(ready.set), name="gateway")
            stack.push_async_callback(_stop, gateway, task)
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=15)
            waiting.cancel()
            assert ready.is_set(), "the gateway isn't ready"
            return gateway

        yield start


@pytest_asyncio.fixture
async def gateway(log: LogWriter, start: Start) -> Gateway:
    """A gateway with the default settings; `log` is empty as it starts."""
    return await start()


async def _stop(gateway: Gateway, task: asyncio.Task[None]) -> None:
    gateway.stop()
    async with asyncio.timeout(15):
        await task
    await until(lambda: not gateway.hub.admission.followers, "every follower is gone")
    for each in gateway.hub.channels.values():
        assert kept_of_followers(each) == {}
    assert gateway.hub.admission._per_address == {}
    assert gateway.hub._awaited == {}


def kept_of_followers(channel: Channel) -> dict[str, object]:
    """What a channel holds because of followers, by its name; nothing once all have left."""
    held = {
        "followers": channel.followers,
        "views": channel.views,
        "behind": channel._behind,
        "paused": channel._paused,
        "closing": channel._closing,
        "ahead": channel._ahead,
        "cohorts": {number: cohort for number, cohort in enumerate(channel._cohorts) if cohort},
    }
    return {name: value for name, value in held.items() if value}
