"""`ticker acl close` disables the default user, and refuses where that would break something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.support.guarded_server import ROLES, GuardedServer, fill, run_ticker
from tests.support.sentinel import SentinelTrio
from tests.support.servers import RedisServer
from tests.support.waiting import until

ADMIN = "ticker-admin"


@pytest.fixture
def server(folder: Path) -> Iterator[GuardedServer]:
    with GuardedServer(folder / "r") as running:
        fill(running, ("en",))
        running.add_part_users()
        yield running


def is_closed(server: GuardedServer) -> bool:
    """Return whether a client without a name and a password is rejected."""
    try:
        server.command("SMEMBERS", "ticker:editions")
    except redis.AuthenticationError:
        return True
    return False


def flags_of_default(server: GuardedServer) -> set[str]:
    with server.client(ADMIN) as client:
        lines = [line.decode() for line in client.execute_command("ACL", "LIST")]
    (line,) = [line for line in lines if line.startswith("user default ")]
    return {"on", "off", "nopass"} & set(line.split())


def test_close_disables_the_default_user_also_after_a_restart(server: GuardedServer) -> None:
    ran = server.ticker("acl", "close", "--json", user=ADMIN)
    assert ran.code == 0, ran
    assert ran.json["servers"] == 1
    assert is_closed(server)
    server.kill()
    server.start()
    assert is_closed(server)
    assert {server.try_as(role, "CLIENT", "SETNAME", "x") for role in ROLES} == {"done"}


def test_a_closed_server_in_protected_mode_accepts_other_machines(server: GuardedServer) -> None:
    # In protected mode, Redis rejects all connections from other machines while the default user has `nopass`.
    assert server.ticker("acl", "close", user=ADMIN).code == 0
    assert flags_of_default(server) == {"off"}


def test_connections_of_the_default_user_are_closed(server: GuardedServer) -> None:
    with server._client() as connected:
        connected.ping()
        ran = server.ticker("acl", "close", user=ADMIN)
        assert ran.out == "default  off on 1 server  (connections closed: 1)\n"
        with pytest.raises(redis.ConnectionError):
            connected.ping()


def test_close_can_be_repeated(server: GuardedServer) -> None:
    assert [server.ticker("acl", "close", user=ADMIN).code for _ in range(2)] == [0, 0]


def test_the_default_user_can_not_close_itself(server: GuardedServer) -> None:
    ran = server.ticker("acl", "close")
    assert ran.code == 1
    assert "would lock you out" in ran.err
    assert f"TICKER_REDIS_URL=redis://{ADMIN}@" in ran.err
    assert not is_closed(server)


def test_a_server_that_forgets_its_users_is_not_closed(tcp_server: RedisServer) -> None:
    created = run_ticker("acl", "apply", "admin", "--json", TICKER_REDIS_URL=tcp_server.url).json
    password = created["users"][0]["password"]
    url = f"redis://{ADMIN}:{password}@127.0.0.1:{tcp_server.port}"
    ran = run_ticker("acl", "close", TICKER_REDIS_URL=url)
    assert ran.code == 1
    assert "set an `aclfile`" in ran.err
    assert tcp_server.command("PING")


def test_a_user_without_the_right_can_not_close_the_server(server: GuardedServer) -> None:
    ran = server.ticker("acl", "close", user="ticker-desk")
    assert ran.code == 1
    assert f"like {ADMIN}" in ran.err
    assert not is_closed(server)


def test_a_server_whose_replica_is_the_default_user_is_not_closed(server: GuardedServer, folder: Path) -> None:
    with RedisServer(folder / "replica", tcp=True, options={"replicaof": f"127.0.0.1 {server.port}"}) as replica:
        until(lambda: replica.command("ROLE")[3] == b"connected", "the replica is connected")
        ran = server.ticker("acl", "close", user=ADMIN)
    assert ran.code == 1
    assert "still in use by a replica (127.0.0.1:" in ran.err
    assert "masteruser" in ran.err
    assert not is_closed(server)


def test_servers_whose_sentinels_are_the_default_user_are_not_closed(sentinel_trio: SentinelTrio) -> None:
    created = run_ticker("acl", "apply", "admin", "--json", TICKER_REDIS_URL=sentinel_trio.url).json
    url = sentinel_trio.url.replace("://", f"://{ADMIN}:{created['users'][0]['password']}@")
    ran = run_ticker("acl", "close", TICKER_REDIS_URL=url)
    assert ran.code == 1
    assert "a Sentinel (127.0.0.1:" in ran.err
    assert all(server.command("PING") for server in sentinel_trio.servers)
