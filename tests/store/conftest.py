"""One server per test module, and an empty database per test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.servers import RedisServer, short_folder
from ticker.store.connection import Redis, connect


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with short_folder() as folder, RedisServer(folder / "redis") as server:
        yield server


@pytest.fixture
def empty_url(shared_server: RedisServer) -> str:
    """Return the URL of a server without keys."""
    shared_server.command("FLUSHALL")
    return shared_server.url


@pytest_asyncio.fixture
async def redis(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """A client of an empty database. A busy machine may take longer than usual to connect."""
    with monkeypatch.context() as patch:
        patch.setattr("ticker.store.connection.CONNECT_TIMEOUT_S", 30.0)
        client = connect(empty_url, role="tick")
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def blocking_redis(empty_url: str) -> AsyncIterator[Redis]:
    """A second client, for blocking commands."""
    client = connect(empty_url, role="tick", blocking=True)
    yield client
    await client.aclose()
