"""A server with all of Ticker's users, of both supported kinds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.guarded_server import WIRE, GuardedServer, fill
from tests.support.servers import short_folder


@pytest.fixture(scope="session", params=["Valkey 9", "Redis 7.0"])
def guarded(request: pytest.FixtureRequest) -> Iterator[GuardedServer]:
    """A server with the keys of two editions and a user of each kind. Neither desk nor gateway runs."""
    with short_folder() as folder, GuardedServer(folder / "r", redis70=request.param == "Redis 7.0") as server:
        version = server.command("INFO", "server")
        assert version["redis_version"].startswith("7.0." if request.param == "Redis 7.0" else "7.2.4"), version
        fill(server, ("en", "ar"))
        server.add_part_users()
        server.add_editor("maha", "-e", "en", "-e", "ar")
        server.add_editor("omar", "-e", "en")
        server.add_editor("lena", "-e", "en", "--role", "chief")
        server.add_editor("lena", "-e", "ar")
        server.add_editor(WIRE, "-e", "en", "--post-only", "--role", "chief")
        scopes = ("--scope", "post", "--scope", "decide")
        assert server.ticker("token", "create", "maha", "-e", "en", "-e", "ar", *scopes).code == 0
        yield server
