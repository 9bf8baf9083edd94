"""Fixtures: the target, which every test must leave without followers and without open files."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from tests.hostile.counts import TRIED
from tests.hostile.target import SETTINGS, VARIABLES, Target, unexpected_lines
from tests.support.desk_harness import DeskHarness, new
from tests.support.readers import RecordingReader
from tests.support.servers import RedisServer, short_folder
from tests.support.summary import count_properties
from tests.support.system import Program, environment
from tests.support.waiting import eventually
from ticker.core.submission import ReceiptStatus


@pytest.fixture(scope="session")
def running_target() -> Iterator[Target]:
    with short_folder() as folder, ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder / "r"))
        (folder / "ticker.toml").write_text(SETTINGS, encoding="utf-8")
        environ = environment(TICKER_REDIS_URL=server.url, TICKER_SETTINGS=str(folder / "ticker.toml"), **VARIABLES)
        desk = stack.enter_context(Program(["desk"], environ, folder / "desk.log"))
        gateway = stack.enter_context(Program(["gateway", "--port", "0"], environ, folder / "gateway.log"))
        yield Target(server.url, desk, gateway)
        for program in (desk, gateway):
            found = unexpected_lines(program.log_file)
            assert found == [], found[0]


@pytest_asyncio.fixture
async def newsroom(running_target: Target) -> AsyncIterator[DeskHarness]:
    room = DeskHarness(running_target.redis_url)
    yield room
    await room.aclose()


@pytest_asyncio.fixture
async def target(running_target: Target, newsroom: DeskHarness) -> AsyncIterator[Target]:
    """The target, with one reader that must receive every line. After the test, no other connection may be left."""
    await eventually(running_target.is_at_rest, "earlier connections are closed")
    before = int(await running_target.read_metric('ticker_head{edition="en"}'))
    reader = await RecordingReader(running_target.url, "en").open()
    yield running_target
    receipt = await newsroom.ask("maha", new(f"after-{before}", again=True))
    assert receipt.status is ReceiptStatus.ON_AIR
    await reader.until(lambda: reader.position == receipt.position)
    assert reader.seqs == list(range(before + 1, before + 1 + len(reader.seqs)))
    await reader.close()
    await eventually(running_target.is_at_rest, "no follower and no file is left")
    assert running_target.gateway.process is not None
    assert running_target.gateway.process.poll() is None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Report the number of inputs that a test has tried (see `tests/support/summary.py`)."""
    before = Counter(TRIED)
    try:
        return (yield)
    finally:
        tried = TRIED - before
        if tried:
            tried["hostile inputs tried"] = tried.total()
        item.user_properties += count_properties(tried)
