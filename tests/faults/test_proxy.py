"""The proxy does what it says, with a real server and a real client behind and before it."""

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


async def test_a_healthy_proxy_passes_everything_on(proxy: Proxy, client: Redis) -> None:
    await client.set("blob", b"x" * 1_000_000)
    assert await client.get("blob") == b"x" * 1_000_000
    assert proxy.injected == 0


async def test_dropped_replies_are_of_commands_that_were_done(
    proxy: Proxy, client: Redis, tcp_server: RedisServer
) -> None:
    assert await count(client) == 1
    proxy.fail(Fault.DROP_REPLIES)
    with pytest.raises(TimeoutError):
        await count(client)
    assert int(tcp_server.command("GET", "count")) == 2
    proxy.heal()
    assert await count(client) == 3


async def test_a_delay_loses_nothing(proxy: Proxy, client: Redis) -> None:
    proxy.fail(Fault.DELAY)
    assert [await count(client) for _ in range(3)] == [1, 2, 3]
    assert proxy.injected >= 6


async def test_a_cut_refuses_until_it_is_healed(proxy: Proxy, client: Redis) -> None:
    assert await count(client) == 1
    proxy.fail(Fault.CUT)
    with pytest.raises(ConnectionError):
        await count(client)
    with pytest.raises(ConnectionError):
        await count(client)
    proxy.heal()
    assert await count(client) == 2


async def test_half_open_says_nothing_and_closes_nothing(proxy: Proxy, client: Redis, tcp_server: RedisServer) -> None:
    assert await count(client) == 1
    proxy.fail(Fault.HALF_OPEN)
    with pytest.raises(TimeoutError):
        await count(client)
    assert int(tcp_server.command("GET", "count")) == 1
    proxy.heal()
    assert await count(client) == 2


async def test_a_truncated_reply_ends_in_its_middle(proxy: Proxy, client: Redis) -> None:
    await client.set("text", "a whole reply")
    proxy.fail(Fault.TRUNCATE)
    with pytest.raises(RedisError):
        await client.get("text")
    assert await client.get("text") == b"a whole reply"


@pytest.mark.parametrize(("is_after", "done"), [(False, 2), (True, 3)])
async def test_a_trap_springs_before_or_after_the_server_has_done_the_chosen_command(
    proxy: Proxy, client: Redis, tcp_server: RedisServer, is_after: bool, done: int
) -> None:
    sprung = asyncio.Event()
    proxy.trap(Trap(nth=3, is_after=is_after, command="INCRBY", spring=sprung.set))
    assert [await count(client), await count(client)] == [1, 2]
    with pytest.raises(ConnectionError):
        await count(client)
    assert sprung.is_set()
    assert int(tcp_server.command("GET", "count")) == done


async def test_a_target_that_is_gone_is_a_refused_connection(
    proxy: Proxy, client: Redis, tcp_server: RedisServer
) -> None:
    tcp_server.kill()
    with pytest.raises(ConnectionError):
        await count(client)
    tcp_server.start()
    assert await count(client) == 1


def test_commands_are_told_apart_however_their_bytes_come() -> None:
    sent = b"*1\r\n$4\r\nping\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n"
    for size in range(1, len(sent) + 1):
        commands, found = Commands(), list[tuple[bytes, str]]()
        for start in range(0, len(sent), size):
            found += commands.feed(sent[start : start + size])
        assert [name for _, name in found] == ["PING", "SET"]
        assert b"".join(part for part, _ in found) == sent
