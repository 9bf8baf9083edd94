"""Fixtures for real servers. Each test has its own servers, which start in tens of milliseconds."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.support.cluster import Cluster
from tests.support.desk_harness import new_harness
from tests.support.engines import EnginePool
from tests.support.long_waits import let_servers_answer_late
from tests.support.plain_logs import print_plain_tracebacks
from tests.support.scheduling import LongestFirst, sort
from tests.support.sentinel import SentinelTrio
from tests.support.servers import RedisServer, short_folder
from tests.support.shared_playwright import SharedPlaywright
from tests.support.signals import stop_inheriting_ignored_signals
from tests.support.summary import summary_lines
from tests.support.tls import tls_front

__all__ = ["new_harness"]

# Properties don't test speed, and on a busy machine a single example can take long.
settings.register_profile("ticker", deadline=None)
settings.load_profile("ticker")


def pytest_configure() -> None:
    stop_inheriting_ignored_signals()
    print_plain_tracebacks()
    let_servers_answer_late()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from all modules and tests: it finds nothing there.

    Without this, it takes a fifth of the collection's time, and 6 % of the processor time of tests without servers.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    sort(items)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst | None:
    return LongestFirst(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for some in terminalreporter.stats.values() for each in some if isinstance(each, pytest.TestReport)]
    for line in summary_lines(reports):
        terminalreporter.write_line(line)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path."""
    with short_folder() as path:
        yield path


@pytest.fixture
def short_temporary_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Let this process and its children use `folder` for temporary files, to remove what a killed process leaves."""
    tmp_path_factory.getbasetemp()  # create pytest's own base folder first, outside of `folder`
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A Redis server on a Unix socket, with an append-only file."""
    with RedisServer(folder / "redis") as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
def tcp_server(folder: Path) -> Iterator[RedisServer]:
    """A Redis server on a port of 127.0.0.1."""
    with RedisServer(folder / "tcp", tcp=True) as server:
        yield server


@pytest.fixture
def sentinel_trio(folder: Path) -> Iterator[SentinelTrio]:
    """A primary, a replica and three Sentinels. They start in about half a second."""
    with SentinelTrio(folder) as trio:
        yield trio


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[Cluster]:
    with short_folder() as path, Cluster(path) as cluster:
        yield cluster


@pytest.fixture
def redis_cluster(shared_cluster: Cluster) -> Cluster:
    """An empty Cluster of three primaries. Tests share it, because it takes two seconds to start."""
    shared_cluster.reset()
    return shared_cluster


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[SharedPlaywright]:
    """Playwright and its browsers in this test process. They start with their first use."""
    shared = SharedPlaywright()
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def engines(playwright_driver: SharedPlaywright) -> Iterator[EnginePool]:
    """The browsers of each engine in this test process. They start with their first use."""
    pool = EnginePool(playwright_driver)
    yield pool
    pool.close()


@pytest_asyncio.fixture
async def tls_url(redis_server: RedisServer, folder: Path) -> AsyncIterator[str]:
    """The URL of `redis_server` behind a TLS proxy. It names the certificate to trust."""
    async with tls_front(redis_server, folder) as url:
        yield url
