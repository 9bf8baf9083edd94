from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import redis.asyncio
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot
from redis.exceptions import MaxConnectionsError

from tests.support.servers import Cluster, RedisServer, SentinelTrio, eventually
from ticker.core.errors import SettingsError
from ticker.store.connection import (
    BLOCK_MS,
    CLIENT_ERRORS,
    CONNECT_TIMEOUT_S,
    Kind,
    Redis,
    Target,
    connect,
    parse_url,
    password_from,
    redact,
)

# ---- URLs, as they are read ----

URLS = [
    ("redis://a", Kind.SINGLE, (("a", 6379),), 0),
    ("REDIS://a.example:7000/3", Kind.SINGLE, (("a.example", 7000),), 3),
    ("redis://[::1]:7000", Kind.SINGLE, (("::1", 7000),), 0),
    ("redis://[::1]?db=2", Kind.SINGLE, (("::1", 6379),), 2),
    ("rediss://user:p%40ss@a", Kind.SINGLE, (("a", 6379),), 0),
    ("redis+sentinel://a,b:1,c/news?db=1", Kind.SENTINEL, (("a", 26379), ("b", 1), ("c", 26379)), 1),
    ("rediss+sentinel://a/news", Kind.SENTINEL, (("a", 26379),), 0),
    ("redis+cluster://a:1,b:2", Kind.CLUSTER, (("a", 1), ("b", 2)), 0),
    ("rediss+cluster://a/0", Kind.CLUSTER, (("a", 6379),), 0),
]


@pytest.mark.parametrize(("url", "kind", "nodes", "db"), URLS)
def test_a_url_is_read(url: str, kind: Kind, nodes: tuple[tuple[str, int], ...], db: int) -> None:
    target = parse_url(url)
    assert (target.kind, target.nodes, target.db) == (kind, nodes, db)
    assert (target.tls is not None) == url.lower().startswith("rediss")


def test_a_unix_url_names_a_path() -> None:
    target = parse_url("unix://desk:s@/run/a%20b/redis.sock?db=4")
    assert (target.kind, target.path, target.db) == (Kind.UNIX, "/run/a b/redis.sock", 4)
    assert target.credentials == {"username": "desk", "password": "s"}


def test_a_percent_encoded_password_is_decoded_once() -> None:
    assert parse_url("redis://:a%2540b%2F@h").credentials == {"password": "a%40b/"}


def test_sentinels_have_credentials_of_their_own() -> None:
    target = parse_url("redis+sentinel://u:p@h/news?sentinel_username=su&sentinel_password=sp")
    assert target.credentials == {"username": "u", "password": "p"}
    assert target.sentinel_credentials == {"username": "su", "password": "sp"}


def test_tls_options_are_taken_from_the_query() -> None:
    target = parse_url("rediss://h?ssl_ca_certs=/ca.pem&ssl_check_hostname=no&ssl_cert_reqs=none")
    assert target.tls == {"ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False, "ssl_cert_reqs": "none"}


WRONG_URLS = [
    ("", "begin it with one of redis, rediss"),
    ("localhost:6379", "begin it with one of"),
    ("http://h", "begin it with one of"),
    ("redis://", "has the form redis://"),
    ("redis://:6379", "has the form redis://"),
    ("redis://h:0", "from 1 to 65535"),
    ("redis://h:65536", "from 1 to 65535"),
    ("redis://h/zero", "database that is no number"),
    ("redis://a,b", r"redis\+sentinel:// or redis\+cluster://"),
    ("redis://h?retry_on_timeout=yes", "isn't known here: it may have db"),
    ("redis://h?decode_responses=1", "isn't known here"),
    ("redis://h?ssl_ca_certs=/ca", "isn't known here"),
    ("redis://h?db=1&db=2", "each once"),
    ("rediss://h?ssl_cert_reqs=maybe", "required, none"),
    ("unix://", "has the form unix://"),
    ("unix://host/run/redis.sock", "has the form unix://"),
    ("redis+sentinel://h:1", "names no service"),
    ("redis+cluster://h/1", "only database 0"),
    ("redis+cluster://h?db=0", "it may have none"),
]


@pytest.mark.parametrize(("url", "said"), WRONG_URLS)
def test_a_wrong_url_is_refused_with_the_remedy(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_url(url)


def test_a_file_that_is_not_there_is_named_before_connecting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ssl_ca_certs that doesn't exist: .*ca\.pem"):
        connect(f"rediss://h?ssl_ca_certs={tmp_path}/ca.pem", role="desk")


# ---- passwords ----

SCHEMES = [
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
    "http",
    "",
]
PIECES = [
    "Zq",
    "@",
    ":",
    "/",
    "?",
    "#",
    "%",
    "%4",
    "[",
    "]",
    "=",
    "&",
    ",",
    ";",
    " ",
    "\n",
    "é",
    "℀",
    "7",
    "\\",
    "db=1",
]
some = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
# Without the @ after the password, `7/Zq` is a port and a path by anyone's reading, and `a@Zq` has a host.
secrets = st.builds("{}Zq{}@".format, some, some) | some.map(lambda end: "Zq" + end.replace("@", ""))
places = st.sampled_from(["h", "h:1", "h:x", "h,i:2/news", "/run/s", "", "h?db=x", "h/1?sentinel_password={}", "[::1"])


def read_or_refused(url: str) -> Target | SettingsError:
    try:
        return parse_url(url)
    except SettingsError as error:
        return error


@example("redis", "desk", "7/Zq@", "h")
@example("redis", "desk", "7?Zq@", "h")
@given(st.sampled_from(SCHEMES), st.sampled_from(["", "desk"]), secrets, places)
def test_no_message_holds_any_part_of_a_password(scheme: str, user: str, secret: str, place: str) -> None:
    url = f"{scheme}://{user}:{secret}{place.format(secret)}"
    assert "Zq" not in redact(url)
    read = read_or_refused(url)
    assert "Zq" not in "".join(format_exception(read) if isinstance(read, SettingsError) else repr(read))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://desk:secret@h:1/2", "redis://***@h:1/2"),
        ("redis+sentinel://a,b/news?sentinel_password=secret", "redis+sentinel://a,b/news?…"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis://:se/cret@h", "redis://…"),
        ("redis://:secret", "redis://…"),
        ("secret", "…"),
    ],
)
def test_a_redacted_url_still_tells_servers_apart(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_the_password_comes_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("se cret\n", encoding="utf-8")
    assert password_from({}) is None
    assert password_from({"TICKER_REDIS_PASSWORD": "s"}) == "s"
    assert password_from({"TICKER_REDIS_PASSWORD_FILE": str(file)}) == "se cret"


def test_a_password_in_the_url_wins() -> None:
    assert parse_url("redis://:a@h", password="b").credentials == {"password": "a"}
    assert parse_url("redis://desk@h", password="b").credentials == {"username": "desk", "password": "b"}


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"", "empty"), (b"Zq\xff", "not UTF-8")])
def test_a_password_file_that_is_no_use_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=said) as caught:
        password_from({"TICKER_REDIS_PASSWORD_FILE": str(file)})
    assert "Zq" not in str(caught.value)


def test_two_passwords_are_refused() -> None:
    with pytest.raises(SettingsError, match="both set"):
        password_from({"TICKER_REDIS_PASSWORD": "a", "TICKER_REDIS_PASSWORD_FILE": "b"})


# ---- real servers ----


async def written_and_read(client: Redis) -> None:
    """One entry goes through each kind of command that the store uses."""
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
        await written_and_read(connect(f"redis://default@{without}/1", role="desk", password="p@ss/word"))


async def test_tls_connects_and_checks_the_certificate(tls_url: str) -> None:
    await written_and_read(connect(tls_url, role="desk"))
    async with aclosing(connect(tls_url.partition("?")[0], role="desk")) as client:
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            await client.ping()


async def test_tls_to_a_server_without_it_fails_in_time(tcp_server: RedisServer) -> None:
    """A plain server takes the greeting for the beginning of a command, and mostly waits for the rest of it."""
    async with aclosing(connect(f"rediss://127.0.0.1:{tcp_server.port}", role="desk")) as client:
        with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
            await asyncio.wait_for(client.ping(), 2 * CONNECT_TIMEOUT_S)


async def test_a_cluster_is_found_from_one_node(redis_cluster: Cluster) -> None:
    url = f"redis+cluster://127.0.0.1:{redis_cluster.nodes[2].port}"
    async with aclosing(connect(url, role="desk")) as client:
        for edition in ("en", "ar", "es"):
            key = f"ticker:{{{edition}}}:log"
            assert await client.execute_command("XADD", key, "1-0", "entry", edition) == b"1-0"
        assert len({node.command("DBSIZE") for node in redis_cluster.nodes} - {0}) >= 1


async def test_an_edition_lives_in_one_slot(redis_cluster: Cluster) -> None:
    keys = ["ticker:{en}:log", "ticker:{en}:cursors", "ticker:{en}:receipts:amal"]
    assert len({key_slot(key.encode()) for key in keys}) == 1
    async with aclosing(connect(redis_cluster.url, role="desk")) as client:
        script = "redis.call('XADD', KEYS[1], '1-0', 'a', 1) redis.call('HSET', KEYS[2], 'a', 1) return #KEYS"
        assert await client.eval(script, len(keys), *keys) == len(keys)


async def test_a_blocking_reader_works_in_a_cluster(redis_cluster: Cluster) -> None:
    await written_and_read(connect(redis_cluster.url, role="gateway", blocking=True))


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_client_is_named_after_its_role(redis_server: RedisServer, blocking: bool) -> None:
    async with aclosing(connect(redis_server.url, role="gateway", blocking=blocking)) as client:
        assert await client.client_getname() in {b"ticker-gateway", "ticker-gateway"}


async def test_a_blocking_client_refuses_a_second_command_at_once(redis_server: RedisServer) -> None:
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
    """A server that takes commands and never answers any but HELLO and CLIENT; it counts the others."""

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
async def test_a_write_whose_reply_is_lost_is_sent_once(folder: Path, blocking: bool) -> None:
    deaf = Deaf()
    server = await asyncio.start_unix_server(deaf.serve, folder / "s")
    async with server, aclosing(connect(f"unix://{folder}/s", role="desk", blocking=blocking)) as client:
        with pytest.raises(redis.ConnectionError):
            await client.xadd("log", {"a": "b"})
    assert deaf.commands == 1


async def test_a_command_to_a_server_that_hangs_ends_in_time(redis_server: RedisServer) -> None:
    async with aclosing(connect(redis_server.url, role="tick", timeout_s=0.1)) as client:
        await client.ping()
        redis_server.pause()
        with pytest.raises(redis.TimeoutError):
            await client.ping()
        redis_server.resume()
        assert await client.ping()


# ---- failover ----


async def has_value(client: Redis, key: str) -> bool:
    """Whether the client writes and reads again, on whatever server it finds."""
    try:
        return bool(await client.set(key, "1") and await client.get(key))
    except CLIENT_ERRORS:
        return False


async def test_sentinels_lead_to_the_master(sentinel_trio: SentinelTrio) -> None:
    await written_and_read(connect(sentinel_trio.url, role="desk"))
    assert sentinel_trio.primary.command("XLEN", "ticker:{en}:log") == 1


async def test_a_dead_sentinel_is_passed_over(sentinel_trio: SentinelTrio) -> None:
    sentinel_trio.sentinels[0].kill()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await written_and_read(connect(sentinel_trio.url, role="desk"))


async def test_a_blocked_reader_moves_to_the_new_master_when_its_own_is_demoted(sentinel_trio: SentinelTrio) -> None:
    async with aclosing(connect(sentinel_trio.url, role="gateway", blocking=True)) as client:
        reading = asyncio.create_task(read(client, block_ms=0))
        await eventually(lambda: has_blocked(sentinel_trio.primary), "the reader blocks")
        await asyncio.to_thread(sentinel_trio.fail_over)
        with pytest.raises(redis.ConnectionError):
            await reading
        await eventually(lambda: has_value(client, "after"), "the same client writes to the new master", 60)
        assert sentinel_trio.replica.command("GET", "after") == b"1"


async def test_a_client_moves_to_the_new_master_when_its_own_dies(sentinel_trio: SentinelTrio) -> None:
    async with aclosing(connect(sentinel_trio.url, role="desk")) as client:
        assert await client.set("before", "1")
        sentinel_trio.primary.kill()
        await eventually(lambda: has_value(client, "after"), "the same client writes to the new master")
        assert sentinel_trio.replica.command("GET", "after") == b"1"


async def test_a_reader_leaves_a_master_that_was_demoted_by_hand(sentinel_trio: SentinelTrio) -> None:
    """REPLICAOF alone cuts no connection: without our own class, the client would stay with the replica for ever."""
    async with aclosing(connect(sentinel_trio.url, role="gateway", blocking=True)) as client:
        reading = asyncio.create_task(read(client, block_ms=0))
        await eventually(lambda: has_blocked(sentinel_trio.primary), "the reader blocks")
        sentinel_trio.primary.command("REPLICAOF", "127.0.0.1", sentinel_trio.replica.port)
        with pytest.raises(redis.ConnectionError, match="no longer the master"):
            await reading


async def test_a_server_that_comes_back_is_used_again(redis_server: RedisServer) -> None:
    async with aclosing(connect(redis_server.url, role="desk")) as client:
        await client.set("before", "1")
        redis_server.kill()
        with pytest.raises(redis.ConnectionError):
            await client.get("before")
        redis_server.start()
        assert await client.get("before") == b"1"


async def test_a_cluster_that_comes_back_is_used_again(redis_cluster: Cluster) -> None:
    async with aclosing(connect(redis_cluster.url, role="desk")) as client:
        await client.set("{en}", "1")
        for node in redis_cluster.nodes:
            node.kill()
        with pytest.raises(CLIENT_ERRORS):
            await client.get("{en}")
        for node in redis_cluster.nodes:
            node.start()
        await eventually(lambda: has_value(client, "{en}"), "the same client reads and writes again")


async def test_a_cluster_client_that_lost_a_node_ends_all_its_connections(redis_cluster: Cluster) -> None:
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


async def test_a_cluster_that_is_not_there_is_one_of_our_errors() -> None:
    async with aclosing(connect("redis+cluster://127.0.0.1:1", role="desk")) as client:
        with pytest.raises(CLIENT_ERRORS):
            await client.ping()
