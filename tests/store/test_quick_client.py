"""The shorter way of a command, for clients of one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from redis.exceptions import ResponseError

from ticker.store.connection import Redis, connect
from ticker.store.quick_client import QuickConnection, QuickRedis
from ticker.store.streams import read_streams


@pytest.fixture
async def client(empty_url: str) -> AsyncIterator[QuickRedis]:
    """Return a client that has one idle connection."""
    connected = connect(empty_url, role="desk", blocking=True)
    assert isinstance(connected, QuickRedis)
    await connected.time()
    yield connected
    await connected.aclose()


async def test_a_command_on_an_idle_connection_takes_the_shorter_way(
    client: QuickRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this is redis-py's way")

    monkeypatch.setattr(redis.asyncio.Redis, "execute_command", refuse)
    await client.xadd("stream", {"field": "value"}, id="1-1")
    assert await client.xread({"stream": "0-0"}, count=1, block=1000) == [[b"stream", [(b"1-1", {b"field": b"value"})]]]
    assert await client.hset("hash", mapping={"a": 1, "b": b"\xff"}) == 2
    assert await client.hgetall("hash") == {b"a": b"1", b"b": b"\xff"}


async def test_a_reply_after_a_cancellation_is_not_read_as_that_of_the_next_command(
    client: QuickRedis, empty_url: str
) -> None:
    waiting = asyncio.create_task(read_streams(client, {"stream": "0-0"}, count=1, block_ms=3000))
    for _ in range(20):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    other: Redis = connect(empty_url, role="tick")
    await other.xadd("stream", {"field": "value"})  # would be the reply
    await other.aclose()
    assert await client.hget("hash", "name") is None
    assert waiting.cancelled()


async def test_two_commands_never_share_a_connection(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = QuickConnection.can_read

    async def read_later(connection: QuickConnection) -> bool:
        await asyncio.sleep(0)
        return await read(connection)

    monkeypatch.setattr(QuickConnection, "can_read", read_later)
    client = connect(empty_url, role="desk")
    await client.hset("hash", mapping={"name": "value"})
    values, number = await asyncio.gather(client.hgetall("hash"), client.hlen("hash"))
    assert (values, number) == ({b"name": b"value"}, 1)
    await client.aclose()


async def test_a_connection_that_the_server_has_closed_is_replaced(client: QuickRedis, empty_url: str) -> None:
    number = await client.client_id()
    other = connect(empty_url, role="tick")
    await other.execute_command("CLIENT KILL", "ID", number)
    await other.aclose()
    await client.time()
    assert await client.client_id() != number


async def test_a_refused_command_leaves_the_connection_usable(client: QuickRedis) -> None:
    number = await client.client_id()
    with pytest.raises(ResponseError, match="wrong number of arguments"):
        await client.execute_command("HSET", "hash")
    assert await client.client_id() == number
    assert await client.execute_command("CONFIG GET", "maxmemory") is not None
