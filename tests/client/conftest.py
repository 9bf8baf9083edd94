"""One running system for all tests of the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.servers import short_folder
from tests.support.system import Program, System, settings_without
from tests.support.waiting import WAIT_S
from ticker.client import LiveMessage, Publisher, Receipt, follow


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with short_folder() as folder:
        settings = Path(settings_without(folder, "duplicate", "short"))
        # In the Arabic edition, a flash needs a second person.
        text = settings.read_text(encoding="utf-8")
        settings.write_text(
            text.replace("[editions.ar]\n", '[editions.ar]\nsecond_person = ["flash"]\n'), encoding="utf-8"
        )
        with System(folder, TICKER_SETTINGS=str(settings)) as running:
            yield running


@pytest_asyncio.fixture
async def publisher(system: System) -> AsyncIterator[Publisher]:
    """A publisher of the English edition, as the editor `wire`."""
    async with Publisher(system.redis_url, edition="en", editor="wire") as publisher:
        yield publisher


@pytest.fixture
def gateway(system: System, tmp_path: Path) -> Iterator[Program]:
    """A second gateway, for a test to stop and start on the same port."""
    program = Program(["gateway", "--port", "0"], {**system.environ, "TICKER_DRAIN_S": "1"}, tmp_path / "gateway.log")
    program.start()
    program.words = ["gateway", "--port", str(program.port)]
    yield program
    program.stop()


async def until_served(system: System, receipt: Receipt) -> None:
    """Wait until the gateway of `system` has the line of a receipt. The log has it a moment earlier."""
    async with aclosing(follow(f"{system.url}/en", after=receipt.position)) as messages, asyncio.timeout(WAIT_S):
        while not isinstance(await anext(messages), LiveMessage):
            pass
