from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import uvloop
from redis.crc import key_slot
from redis.exceptions import MaxConnectionsError

from tests.support.cluster import Cluster
from tests.support.sentinel import SentinelTrio
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core.errors import SettingsError, StoreError
from ticker.store.connection import CLIENT_ERRORS, Redis, connect, explain, open_redis
from ticker.store.timeouts import BLOCK_MS, CONNECT_TIMEOUT_S
from ticker.store.url import with_password


def test_a_missing_tls_file_is_named_before_connecting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ssl_ca_certs that doesn't exist: .*ca\.pem"):
        connect(f"rediss://h?ssl_ca_certs={tmp_path}/ca.pem", role="desk")


# ---- real servers ----


async def written_and_read(client: Redis) -> None:
    """Write and read one entry with the client, then close it."""
    async with aclosing(client):
        identifier = await client.xadd("ticker:{en}:log", {"entry": b"\xff"})
        assert await read(client, "ticker:{en}:log") == [[b"ticker:{en}:log", [(identifier, {b"entry": b"\xff"})]]]


async def read(client: Redis, key: str = "log", block_ms: int = BLOCK_MS) -> Any:
    return await client.xread({key: "0"}, block=block_ms)


async def test_a_unix_socket_connects(redis_server: RedisServer) -> None:
    assert redis_server.url.startswith("unix://")
    await written_and_read(connect(redis_server.url, role="desk"))


async def test_tcp_connects_with_a_password(folder: Path) -> None:
    with RedisServer(folder / "r", tcp=True, password="p@ss/word") as server:
        await written_and_read(connect(server.url, role="desk"))
        without = server.url.partition("@")[2]
        await written_and_read(connect(with_password(f"redis://default@{without}/1", "p@ss/word"), role="desk"))


async def test_tls_connects_and_checks_the_certificate(tls_url: str) -> None:
    await written_and_read(connect(tls_url, role="desk"))
    async with aclosing(connect(tls_url.partition("?")[0], role="desk")) as client:
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            await client.ping()


async def test_tls_to_a_plain_server_fails_within_the_timeout(tcp_server: RedisServer) -> None:
    """A plain server reads the TLS greeting as the beginning of a command, and mostly waits for the rest of it."""
    async with aclosing(connect(f"rediss://127.0.0.1:{tcp_server.port}", role="desk")) as client:
        with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
            await asyncio.wait_for(client.ping(), 2 * CONNECT_TIMEOUT_S)


async def test_one_node_is_enough_to_find_a_cluster(redis_cluster: Cluster) -> None:
    url = f"redis+cluster://127.0.0.1:{redis_cluster.nodes[2].port}"
    async with aclosing(connect(url, role="desk")) as client:
        for edition in ("en", "ar", "es"):
            key = f"ticker:{{{edition}}}:log"
            assert await client.execute_command("XADD", key, "1-0", "entry", edition) == b"1-0"
        assert len({node.command("DBSIZE") for node in redis_cluster.nodes} - {0}) >= 1


async def test_all_keys_of_an_edition_are_in_one_slot(redis_cluster: Cluster) -> None:
    keys = ["ticker:{en}:log", "ticker:{en}:cursors", "ticker:{en}:receipts:amal"]
    assert len({key_slot(key.encode()) for key in keys}) == 1
    async with aclosing(connect(redis_cluster.url, role="desk")) as client:
        script = "redis.call('XADD', KEYS[1], '1-0', 'a', 1) redis.call('HSET', KEYS[2], 'a', 1) return #KEYS"
        assert await client.eval(script, len(keys), *keys) == len(keys)


async def test_a_blocking_reader_works_in_a_cluster(redis_cluster: Cluster) -> None:
    await written_and_read(connect(redis_cluster.url, role="gateway", blocking=True))


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_client_has_the_name_of_its_role(redis_server: RedisServer, blocking: bool) -> None:
    async with aclosing(connect(redis_server.url, role="gateway", blocking=blocking)) as client:
        assert await client.client_getname() in {b"ticker-gateway", "ticker-gateway"}


async def test_a_blocking_client_refuses_a_second_command_at_the_same_time(redis_server: RedisServer) -> None:
    async with aclosing(connect(redis_server.url, role="gateway", blocking=True)) as client:
        reading = asyncio.create_task(read(client))
        await eventually(lambda: has_blocked(redis_server), "the reader blocks")
        with pytest.raises(MaxConnectionsError):
            await client.ping()
        redis_server.command("XADD", "log", "*", "a", "b")
        assert await reading


async def has_blocked(server: RedisServer) -> bool:
    return bool(server.command("INFO", "clients")["blocked_clients"])


class Deaf:
    """A server that answers only HELLO and CLIENT. It counts the other commands and closes the connection."""

    def __init__(self) -> None:
        self.commands = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words = [(await reader.readline(), await reader.readline())[1] for _ in range(int(head[1:]))]
            if words[0] == b"HELLO\r\n":
                writer.write(b"%1\r\n+proto\r\n:3\r\n")
            elif words[0] == b"CLIENT\r\n":
                writer.write(b"+OK\r\n")
            else:
                self.commands += 1
                writer.close()


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_write_whose_reply_is_lost_is_not_sent_again(folder: Path, blocking: bool) -> None:
    deaf = Deaf()
    server = await asyncio.start_unix_server(deaf.serve, folder / "s")
    async with server, aclosing(connect(f"unix://{folder}/s", role="desk", blocking=blocking)) as client:
        with pytest.raises(redis.ConnectionError):
            await client.xadd("log", {"a": "b"})
    assert deaf.commands == 1


async def test_a_command_to_a_hanging_server_times_out(redis_server: RedisServer) -> None:
    async with aclosing(connect(redis_server.url, role="tick", timeout_s=0.1)) as client:
        await client.ping()
        redis_server.pause()
        with pytest.raises(redis.TimeoutError):
            await client.ping()
        redis_server.resume()
        assert await client.ping()


# ---- failover ----


async def has_value(client: Redis, key: str) -> bool:
    """Return whether the client can write and read again, on any server."""
    try:
        return bool(await client.set(key, "1") and await client.get(key))
    except CLIENT_ERRORS:
        return False


async def test_the_sentinels_are_asked_for_the_master(sentinel_trio: SentinelTrio) -> None:
    await written_and_read(connect(sentinel_trio.url, role="desk"))
    assert sentinel_trio.primary.command("XLEN", "ticker:{en}:log") == 1


async def test_a_dead_sentinel_is_skipped(sentinel_trio: SentinelTrio) -> None:
    sentinel_trio.sentinels[0].kill()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await written_and_read(connect(sentinel_trio.url, role="desk"))


async def test_a_blocked_reader_reconnects_to_the_new_master_after_a_failover(sentinel_trio: SentinelTrio) -> None:
    async with aclosing(connect(sentinel_trio.url, role="gateway", blocking=True)) as client:
        reading = asyncio.create_task(read(client, block_ms=0))
        await eventually(lambda: has_blocked(sentinel_trio.primary), "the reader blocks")
        await asyncio.to_thread(sentinel_trio.fail_over)
        with pytest.raises(redis.ConnectionError):
            await reading
        await eventually(lambda: has_value(client, "after"), "the same client writes to the new master")
        assert sentinel_trio.replica.command("GET", "after") == b"1"


async def test_a_client_reconnects_to_the_new_master_when_the_old_one_dies(sentinel_trio: SentinelTrio) -> None:
    async with aclosing(connect(sentinel_trio.url, role="desk")) as client:
        assert await client.set("before", "1")
        sentinel_trio.primary.kill()
        await eventually(lambda: has_value(client, "after"), "the same client writes to the new master")
        assert sentinel_trio.replica.command("GET", "after") == b"1"


async def test_a_reader_disconnects_from_a_master_that_was_demoted_manually(sentinel_trio: SentinelTrio) -> None:
    """REPLICAOF closes no connection: without our own class, the client would stay with the replica for ever."""
    async with aclosing(connect(sentinel_trio.url, role="gateway", blocking=True)) as client:
        reading = asyncio.create_task(read(client, block_ms=0))
        await eventually(lambda: has_blocked(sentinel_trio.primary), "the reader blocks")
        sentinel_trio.primary.command("REPLICAOF", "127.0.0.1", sentinel_trio.replica.port)
        with pytest.raises(redis.ConnectionError, match="no longer the master"):
            await reading


async def test_the_same_client_works_again_after_a_restart_of_the_server(redis_server: RedisServer) -> None:
    async with aclosing(connect(redis_server.url, role="desk")) as client:
        await client.set("before", "1")
        redis_server.kill()
        with pytest.raises(redis.ConnectionError):
            await client.get("before")
        redis_server.start()
        assert await client.get("before") == b"1"


async def error_after_the_system_closes(
    client: Redis, open_connections: Callable[[], list[Any]]
) -> BaseException | None:
    """Close the connections of a client as the kernel does, unknown to redis-py. Return the error of its next command.

    Its second command must succeed.
    """
    async with aclosing(client):
        await client.get("{en}")
        for connection in open_connections():
            connection._writer.transport.abort()
        found: BaseException | None = None
        try:
            await client.get("{en}")
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            found = error
        await client.get("{en}")
        return found


def test_a_connection_that_the_system_closed_is_a_connection_error_with_uvloop(redis_server: RedisServer) -> None:
    """A gateway that was cut off ended with uvloop's RuntimeError, which is no error of redis-py's."""

    async def run() -> BaseException | None:
        client = connect(redis_server.url, role="gateway")
        assert isinstance(client, redis.asyncio.Redis)
        pool: Any = client.connection_pool
        return await error_after_the_system_closes(client, lambda: list(pool._available_connections))

    assert isinstance(uvloop.run(run()), redis.ConnectionError)


def test_a_connection_that_the_system_closed_is_survived_in_a_cluster_with_uvloop(redis_cluster: Cluster) -> None:
    async def run() -> BaseException | None:
        client = connect(redis_cluster.url, role="gateway")
        assert isinstance(client, redis.asyncio.RedisCluster)
        client = await client.initialize()
        return await error_after_the_system_closes(
            client, lambda: [each for node in client.get_nodes() for each in node._connections if each.is_connected]
        )

    assert not isinstance(uvloop.run(run()), RuntimeError)


async def test_the_same_client_works_again_after_a_restart_of_the_cluster(redis_cluster: Cluster) -> None:
    async with aclosing(connect(redis_cluster.url, role="desk")) as client:
        await client.set("{en}", "1")
        for node in redis_cluster.nodes:
            node.kill()
        with pytest.raises(CLIENT_ERRORS):
            await client.get("{en}")
        for node in redis_cluster.nodes:
            node.start()
        await eventually(lambda: has_value(client, "{en}"), "the same client reads and writes again")


async def test_a_cluster_client_that_lost_a_node_closes_all_its_connections(redis_cluster: Cluster) -> None:
    client: Any = connect(redis_cluster.url, role="desk")
    await client.ping(target_nodes=client.ALL_NODES)
    lost = client.get_node_from_key("{en}").port
    next(node for node in redis_cluster.nodes if node.port == lost).kill()
    with pytest.raises(CLIENT_ERRORS):
        await client.get("{en}")
    await client.aclose()
    for node in redis_cluster.nodes:
        if node.port != lost:
            assert "ticker-desk" not in {each["name"] for each in node.command("CLIENT LIST")}


async def test_an_unreachable_cluster_raises_one_of_the_client_errors() -> None:
    async with aclosing(connect("redis+cluster://127.0.0.1:1", role="desk")) as client:
        with pytest.raises(CLIENT_ERRORS):
            await client.ping()


# ---- error messages ----


async def test_open_redis_turns_connection_errors_into_one_sentence_with_a_remedy(folder: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing\.sock can't be reached: start it with `ticker up`"):
        async with open_redis(f"unix://{folder}/nothing.sock", role="tick") as client:
            await client.ping()


async def test_open_redis_closes_the_client_when_its_body_fails(redis_server: RedisServer) -> None:
    async def fail_with_an_open_client() -> None:
        async with open_redis(redis_server.url, role="tick") as client:
            await client.ping()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_with_an_open_client()
    assert "ticker-tick" not in {each["name"] for each in redis_server.command("CLIENT LIST")}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (redis.AuthenticationError("WRONGPASS"), "rejects the password of the user desk, or has no such user"),
        (redis.ResponseError("OOM command not allowed"), "rejects the command: OOM command not allowed"),
        (redis.ConnectionError("refused"), "can't be reached"),
        (ConnectionRefusedError(), "can't be reached"),
        (redis.TimeoutError("slow"), "doesn't answer in time"),
        (TimeoutError(), "doesn't answer in time"),
    ],
)
def test_explain_names_the_redacted_url_and_what_to_do(error: Exception, message: str) -> None:
    sentence = explain(error, "redis://desk:secret@h")
    assert message in sentence
    assert "redis://***@h" in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://h", "needs a user and a password: name the user in TICKER_REDIS_URL, and set TICKER_REDIS_PASSWORD"),
        ("redis://desk@h", "needs the password of the user desk: set TICKER_REDIS_PASSWORD"),
        ("redis://:secret@h", "rejects the password of the user default"),
    ],
)
def test_explain_names_the_missing_part_of_the_credentials(url: str, message: str) -> None:
    sentence = explain(redis.AuthenticationError("NOAUTH"), url)
    assert message in sentence
    assert "secret" not in sentence
