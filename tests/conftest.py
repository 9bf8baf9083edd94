"""Fixtures for real servers. Each test has its own: they start in tens of milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.support.servers import Cluster, RedisServer, SentinelTrio, short_folder, tls_front

# A property is about what is computed, not how fast: on a busy machine, one example in thousands takes its time.
settings.register_profile("ticker", deadline=None)
settings.load_profile("ticker")


SUMMED: Final = (
    "schedules run",
    "faults injected",
    "submissions acknowledged",
    "deliveries checked",
    "hostile inputs tried",
    "violations",
)
"""What is said first; then follows of which kinds that was, and more."""


COUNTED: Final = "count: "
"""What a test has counted is in its `user_properties`: ("count: faults injected", 7)."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the tests have counted, all in all."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    counts: Counter[str] = Counter()
    for name, count in (each for report in reports for each in getattr(report, "user_properties", ())):
        if name.startswith(COUNTED):
            counts[name.removeprefix(COUNTED)] += count
    first = {what: counts.pop(what) for what in SUMMED if what in counts}
    for some in (first, counts):
        if some:
            terminalreporter.write_line(", ".join(f"{what} {count:,}" for what, count in some.items()))


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path."""
    with short_folder() as path:
        yield path


@pytest.fixture
def short_temporary_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where this process and those that it starts make temporary folders: what a killed one leaves is removed."""
    tmp_path_factory.getbasetemp()  # pytest's own, made at its first use, must not be inside
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A server on a Unix socket, with an append-only file."""
    with RedisServer(folder / "redis") as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
def tcp_server(folder: Path) -> Iterator[RedisServer]:
    """A server on a port of 127.0.0.1."""
    with RedisServer(folder / "tcp", tcp=True) as server:
        yield server


@pytest.fixture
def sentinel_trio(folder: Path) -> Iterator[SentinelTrio]:
    """A primary, a replica and three Sentinels. Takes about half a second."""
    with SentinelTrio(folder) as trio:
        yield trio


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[Cluster]:
    with short_folder() as path, Cluster(path) as cluster:
        yield cluster


@pytest.fixture
def redis_cluster(shared_cluster: Cluster) -> Cluster:
    """Three primaries, empty. Shared, as they take two seconds to start; what a test kills is started for the next."""
    shared_cluster.renew()
    return shared_cluster


@pytest_asyncio.fixture
async def tls_url(redis_server: RedisServer, folder: Path) -> AsyncIterator[str]:
    """`redis_server` behind TLS; the URL names the certificate to trust."""
    async with tls_front(redis_server, folder) as url:
        yield url
