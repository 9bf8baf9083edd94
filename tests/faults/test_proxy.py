"""The proxy, between a real server and a real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError, RedisError, TimeoutError  # noqa: A004

from tests.faults.proxy import Commands, Fault, Proxy, Trap
from tests.support.servers import RedisServer
from ticker.store.connection import Redis, connect


@pytest_asyncio.fixture
async def proxy(tcp_server: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(lambda: tcp_server.address, is_redis=True) as between:
        yield between


@pytest_asyncio.fixture
async def client(proxy: Proxy) -> AsyncIterator[Redis]:
    redis = connect(f"redis://{proxy.address[0]}:{proxy.port}", role="tick", timeout_s=0.3)
    yield redis
    await redis.aclose()


async def count(client: Redis) -> int:
    added = await client.incr("count")
    assert isinstance(added, int)
    return added


async def test_a_proxy_without_fault_forwards_everything(proxy: Proxy, client: Redis) -> None:
    await client.set("blob", b"x" * 1_000_000)
    assert await client.get("blob") == b"x" * 1_000_000
    assert proxy.injected == 0


async def test_drop_replies_loses_the_reply_but_runs_the_command(
    proxy: Proxy, client: Redis, tcp_server: RedisServer
) -> None:
    assert await count(client) == 1
    proxy.fail(Fault.DROP_REPLIES)
    with pytest.raises(TimeoutError):
        await count(client)
    assert int(tcp_server.command("GET", "count")) == 2
    proxy.heal()
    assert await count(client) == 3


async def test_delay_loses_nothing(proxy: Proxy, client: Redis) -> None:
    proxy.fail(Fault.DELAY)
    assert [await count(client) for _ in range(3)] == [1, 2, 3]
    assert proxy.injected >= 6


async def test_cut_refuses_connections_until_healed(proxy: Proxy, client: Redis) -> None:
    assert await count(client) == 1
    proxy.fail(Fault.CUT)
    with pytest.raises(ConnectionError):
        await count(client)
    with pytest.raises(ConnectionError):
        await count(client)
    proxy.heal()
    assert await count(client) == 2


async def test_half_open_forwards_nothing_and_keeps_the_connection(
    proxy: Proxy, client: Redis, tcp_server: RedisServer
) -> None:
    assert await count(client) == 1
    proxy.fail(Fault.HALF_OPEN)
    with pytest.raises(TimeoutError):
        await count(client)
    assert int(tcp_server.command("GET", "count")) == 1
    proxy.heal()
    assert await count(client) == 2


async def test_truncate_cuts_a_reply_and_the_connection(proxy: Proxy, client: Redis) -> None:
    await client.set("text", "a whole reply")
    proxy.fail(Fault.TRUNCATE)
    with pytest.raises(RedisError):
        await client.get("text")
    assert await client.get("text") == b"a whole reply"


@pytest.mark.parametrize(("is_after", "done"), [(False, 2), (True, 3)])
async def test_a_trap_triggers_before_or_after_the_server_runs_the_command(
    proxy: Proxy, client: Redis, tcp_server: RedisServer, is_after: bool, done: int
) -> None:
    triggered = asyncio.Event()
    proxy.trap(Trap(nth=3, is_after=is_after, command="INCRBY", on_trigger=triggered.set))
    assert [await count(client), await count(client)] == [1, 2]
    with pytest.raises(ConnectionError):
        await count(client)
    assert triggered.is_set()
    assert int(tcp_server.command("GET", "count")) == done


async def test_a_stopped_target_resets_the_connection(proxy: Proxy, client: Redis, tcp_server: RedisServer) -> None:
    tcp_server.kill()
    with pytest.raises(ConnectionError):
        await count(client)
    tcp_server.start()
    assert await count(client) == 1


def test_commands_are_split_for_every_chunk_size() -> None:
    sent = b"*1\r\n$4\r\nping\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n"
    for size in range(1, len(sent) + 1):
        commands, found = Commands(), list[tuple[bytes, str]]()
        for start in range(0, len(sent), size):
            found += commands.feed(sent[start : start + size])
        assert [name for _, name in found] == ["PING", "SET"]
        assert b"".join(part for part, _ in found) == sent
