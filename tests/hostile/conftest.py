"""A gateway and a desk as processes, with tight bounds, that every test has to leave as it found them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

import pytest
import pytest_asyncio

from tests.hostile.tally import TRIED
from tests.support.desk_harness import Newsroom, new
from tests.support.readers import Reader
from tests.support.servers import RedisServer, short_folder
from tests.support.summary import count_properties
from tests.support.system import Program, environment
from tests.support.waiting import eventually
from ticker.core.submission import ReceiptStatus

BOUNDS: Final = {
    "TICKER_FOLLOWERS": "300",
    "TICKER_FOLLOWERS_PER_ADDRESS": "100",
    "TICKER_HANDSHAKES_PER_S": "0",
    "TICKER_HANDSHAKE_S": "1",
    "TICKER_FOLLOWER_PAUSED_S": "1",
    "TICKER_FRAME_CACHES": "20",
    "TICKER_HEARTBEAT_S": "1",
    "TICKER_RETAINED": "2000",
    "TICKER_LOG_LEVEL": "info",
}
CLOSED: Final = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"

[editions.closed]
title = "For our own pages"
lang = "en"
dir = "ltr"
origins = ["https://news.example"]
"""
OWN: Final = "127.0.0.9"
"""Where the readers that must not notice anything connect from."""

_open = build_opener(ProxyHandler({})).open


class Siege:
    """What is attacked. `mark` is what the gateway needs when nobody is there."""

    def __init__(self, url: str, desk: Program, gateway: Program) -> None:
        self.redis_url = url
        self.desk = desk
        self.gateway = gateway
        self.files_at_rest = self.open_files

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.gateway.port)

    def metrics(self) -> dict[str, float]:
        with _open(f"{self.url}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def metric(self, name: str) -> float:
        return self.metrics().get(name, 0.0)

    @property
    def open_files(self) -> int:
        return int(self.metric("process_open_fds"))

    @property
    def resident_bytes(self) -> int:
        return int(self.metric("process_resident_memory_bytes"))

    async def ask(self, name: str) -> float:
        return await asyncio.to_thread(self.metric, name)

    async def is_at_rest(self) -> bool:
        """Whether no reader is left, nor a file of one: two more to Redis may have been opened meanwhile."""
        now = await asyncio.to_thread(self.metrics)
        left = [value for name, value in now.items() if name.startswith(("ticker_frame_caches{", "ticker_followers{"))]
        return not any(left) and now["process_open_fds"] <= self.files_at_rest + 2


@pytest.fixture(scope="session")
def siege() -> Iterator[Siege]:
    with short_folder() as folder, ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder / "r"))
        (folder / "ticker.toml").write_text(CLOSED, encoding="utf-8")
        environ = environment(TICKER_REDIS_URL=server.url, TICKER_SETTINGS=str(folder / "ticker.toml"), **BOUNDS)
        desk = stack.enter_context(Program(["desk"], environ, folder / "desk.log"))
        gateway = stack.enter_context(Program(["gateway", "--port", "0"], environ, folder / "gateway.log"))
        yield Siege(server.url, desk, gateway)
        for program in (desk, gateway):
            found = complaints(program.log_file)
            assert found == [], found[0]


def complaints(log: Path) -> list[str]:
    """Lines that are an error, no line of a log at all, or one that a stranger can cause at will."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
            is_fine = record["level"] in ("info", "warning") and record["logger"] != "uvicorn.error"
        except (ValueError, KeyError):
            is_fine = False
        if not is_fine:
            found.append(line)
    return found


@pytest_asyncio.fixture
async def newsroom(siege: Siege) -> AsyncIterator[Newsroom]:
    room = Newsroom(siege.redis_url)
    yield room
    await room.aclose()


@pytest_asyncio.fixture
async def besieged(siege: Siege, newsroom: Newsroom) -> AsyncIterator[Siege]:
    """The gateway with one reader of ours, who must get every line; at the end all is as it was before."""
    await eventually(siege.is_at_rest, "those before have gone")
    before = int(await siege.ask('ticker_head{edition="en"}'))
    reader = await Reader(siege.url, "en").open()
    yield siege
    receipt = await newsroom.ask("maha", new(f"after-{before}", again=True))
    assert receipt.status is ReceiptStatus.ON_AIR
    await reader.until(lambda: reader.position == receipt.position)
    assert reader.seqs == list(range(before + 1, before + 1 + len(reader.seqs)))
    await reader.close()
    await eventually(siege.is_at_rest, "nobody is left, and no more files are open than at first")
    assert siege.gateway.process is not None
    assert siege.gateway.process.poll() is None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Have what a test has tried told at the end of the run (see `tests/conftest.py`)."""
    before = Counter(TRIED)
    try:
        return (yield)
    finally:
        tried = TRIED - before
        if tried:
            tried["hostile inputs tried"] = tried.total()
        item.user_properties += count_properties(tried)
