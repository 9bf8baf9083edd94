"""Without Redis, or without the log of an edition, a gateway serves what it has, and says so."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.exceptions import RedisClusterException

from tests.support.gateway_clients import Reader, refusal, texts_of
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, HeartbeatMessage
from ticker.gateway import feed
from ticker.gateway.feed import Feeds
from ticker.gateway.hub import Hub
from ticker.gateway.server import Gateway
from ticker.settings import Settings
from ticker.store.connection import Redis
from ticker.store.keys import EDITIONS, Keys


async def readiness(gateway: Gateway) -> tuple[int, Any]:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{gateway.address}/readyz")
    return response.status_code, response.json()


async def until_troubled(gateway: Gateway) -> str:
    await eventually(lambda: gateway.hub.troubles, "the feed reports a trouble")
    return gateway.hub.troubles["en"]


async def test_reader_ahead_of_a_gateway_without_redis_gets_503_behind(
    log: LogWriter, start: Start, redis_server: RedisServer
) -> None:
    """A gateway that can't reach Redis has fewer entries than others. It must not conclude that they were lost."""
    await log.post_many(3)
    gateway = await start()
    redis_server.kill()
    await until_troubled(gateway)
    async with httpx.AsyncClient() as client:
        ahead = await client.get(f"{gateway.address}/v1/en/events?after=4-{'0' * 16}")
    assert (ahead.status_code, ahead.json()["error"]) == (503, "behind")
    async with Reader(gateway.address, f"after={log.at(2)}") as reader:
        await reader.until_live()
    assert [message.position for message in reader.lines] == [log.at(3)]
    assert gateway.hub.channels["en"].counts.resets == {}


@pytest.mark.parametrize("name", ["after", "before"])
async def test_history_request_ahead_of_a_gateway_without_redis_gets_503_behind(
    log: LogWriter, start: Start, redis_server: RedisServer, name: str
) -> None:
    await log.post_many(3)
    gateway = await start()
    redis_server.kill()
    await until_troubled(gateway)
    async with httpx.AsyncClient() as client:
        ahead = await client.get(f"{gateway.address}/v1/en/lines?{name}=4-{'0' * 16}")
    assert (ahead.status_code, ahead.json()["error"], ahead.headers["Retry-After"]) == (503, "behind", "1")
    assert gateway.hub.admission.refused["behind"] == 1


async def test_last_board_stays_after_flushall_and_readyz_reports_it(log: LogWriter, start: Start) -> None:
    await log.post_many(5, "old")
    gateway = await start()
    await log.redis.flushall()
    await until_troubled(gateway)
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert len(reader.boards[0].lines) == 5
    assert (await readiness(gateway))[1]["status"] == "degraded"


async def test_broken_log_does_not_delay_the_other_editions(log: LogWriter, start: Start, redis_url: str) -> None:
    spanish = await LogWriter(redis_url, "es").begin()
    await log.append_raw(1, b"{}", "f" * 64)
    await spanish.post("hola")
    gateway = await start()
    async with Reader(gateway.address, edition="es") as reader:
        await reader.until_live()
    status, body = await readiness(gateway)
    assert (status, body["status"]) == (200, "degraded")
    assert body["editions"]["en"]["position"] is None
    assert body["editions"]["en"]["trouble"]
    assert body["editions"]["es"]["trouble"] is None
    await spanish.aclose()


async def test_edition_whose_log_cannot_be_loaded_gets_503(log: LogWriter, start: Start, redis_url: str) -> None:
    """404 would mean that the edition doesn't exist: readers would give up."""
    spanish = await LogWriter(redis_url, "es").begin()
    await log.append_raw(1, b"{}", "f" * 64)
    gateway = await start()
    refused = await refusal(gateway.address)
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "unavailable", "5")
    async with httpx.AsyncClient() as client:
        statuses = {
            path: (await client.get(gateway.address + path)).status_code
            for path in ("/v1/en/board", "/v1/en/lines", "/v1/en/live", "/en", "/en/embed", "/v1/xx/board", "/xx")
        }
        page = await client.get(f"{gateway.address}/oembed", params={"url": f"{gateway.address}/en"})
    assert statuses == dict.fromkeys(("/v1/en/board", "/v1/en/lines", "/v1/en/live", "/en", "/en/embed"), 503) | {
        "/v1/xx/board": 404,
        "/xx": 404,
    }
    assert page.status_code == 503
    await spanish.aclose()


async def test_invalid_edition_names_are_ignored(log: LogWriter, start: Start) -> None:
    await log.redis.sadd(EDITIONS, "../etc", "EN", "", "nothing-there")
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert list(gateway.hub.channels) == ["en"]


async def test_board_replay_history_and_heartbeats_work_without_redis(
    log: LogWriter, start: Start, redis_server: RedisServer
) -> None:
    await log.post_many(5)
    gateway = await start(heartbeat_s=1)
    async with Reader(gateway.address) as connected:
        await connected.until_live()
        redis_server.kill()
        why = await until_troubled(gateway)
        async with Reader(gateway.address) as reader, Reader(gateway.address, f"after={log.at(3)}") as resumed:
            await reader.until_live()
            await resumed.until_live()
        assert len(reader.boards[0].lines) == 5
        assert len(resumed.lines) == 2
        await connected.next_of(HeartbeatMessage)
        status, body = await readiness(gateway)
        assert (status, body["status"], body["editions"]["en"]["trouble"]) == (200, "degraded", why)
        async with httpx.AsyncClient() as client:
            assert len((await client.get(f"{gateway.address}/v1/en/lines")).json()["lines"]) == 5

        redis_server.start()
        await eventually(lambda: not gateway.hub.troubles, "the trouble is over")
        await log.post("after the break")
        await connected.until_at(log.head)
    assert texts_of(connected.messages) == ["after the break"]
    assert len(connected.boards) == 1


async def test_redis_that_returns_with_fewer_entries_resets_the_readers(
    log: LogWriter, start: Start, redis_server: RedisServer
) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        redis_server.kill()
        await until_troubled(gateway)
        for path in Path(redis_server.dir).glob("appendonlydir/*.incr.aof"):
            data = path.read_bytes()
            last_entry = data.rindex(Keys("en").log.encode())
            path.write_bytes(data[: data.rindex(b"*", 0, last_entry)])  # drop that command, and what came after it
        redis_server.start()
        board = await reader.next_of(BoardMessage)
    assert (board.reset, board.position) == (Reset.REPLACED, log.at(4))


async def test_gateway_that_starts_before_redis_waits_for_it(
    log: LogWriter, redis_server: RedisServer, start: Start
) -> None:
    await log.post("waiting")
    redis_server.kill()
    starting = asyncio.ensure_future(start())
    await asyncio.sleep(0)
    redis_server.start()
    gateway = await starting
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert len(reader.boards[0].lines) == 1


async def test_unreachable_cluster_does_not_end_the_search_for_editions(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def unreachable(_: Redis) -> list[str]:
        nonlocal asked
        asked += 1
        raise RedisClusterException("no node can be reached")  # in redis-py 8.1 a subclass of Exception only

    monkeypatch.setattr(feed, "edition_names", unreachable)
    hub = Hub(Settings(), 1024, lambda: datetime.now(UTC), random.random)
    search = asyncio.create_task(Feeds(hub, redis_url, "here", random.random).run(asyncio.Event()))
    await eventually(lambda: asked > 1 or search.done(), "the search goes on, or has ended")
    assert not search.done()
    search.cancel()
    with suppress(asyncio.CancelledError):
        await search
