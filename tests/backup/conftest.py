"""One server per test module, and an empty database per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers import RedisServer, short_folder


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with short_folder() as folder, RedisServer(folder / "redis") as server:
        yield server


@pytest.fixture
def empty_url(shared_server: RedisServer) -> str:
    """Return the URL of a server without keys."""
    shared_server.command("FLUSHALL")
    return shared_server.url
