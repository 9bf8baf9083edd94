"""The feed detects another history, lost entries, broken links and a missing Redis. No gap goes unnoticed."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from redis.exceptions import RedisClusterException

from tests.support.gateway_clients import RawClient, Reader, refusal, texts_of
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core.entry import RawEntry
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, HeartbeatMessage, LineMessage, LiveMessage
from ticker.gateway import feed
from ticker.gateway.feed import Feeds
from ticker.gateway.hub import Hub
from ticker.gateway.server import Gateway
from ticker.settings import Settings
from ticker.store.connection import Redis
from ticker.store.editions import save_edition
from ticker.store.keys import EDITIONS
from ticker.store.log_reader import listen
from ticker.store.reach import reach_of, read_reports


async def readiness(gateway: Gateway) -> tuple[int, Any]:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{gateway.address}/readyz")
    return response.status_code, response.json()


def head(gateway: Gateway) -> str:
    return str(gateway.hub.channels["en"].position)


async def until_troubled(gateway: Gateway) -> str:
    await eventually(lambda: gateway.hub.troubles, "the feed reports a trouble")
    return gateway.hub.troubles["en"]


async def test_rotated_log_sends_every_reader_a_board_with_reset_replaced(log: LogWriter, start: Start) -> None:
    await log.post_many(5, "old")
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.rotate()
        board = await reader.next_of(BoardMessage)
        assert (board.reset, board.position, board.lines) == (Reset.REPLACED, log.at(0), [])
        await log.post("of the new history")
        await reader.until_at(log.head)
    assert texts_of(reader.messages) == ["of the new history"]


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


async def test_history_request_ahead_of_the_log_is_answered_when_its_entry_comes(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another gateway was faster: 410 would make the reader drop its lines."""
    may_read = asyncio.Event()

    async def slow_listen(redis: Redis, name: str, seq: int, bell: str) -> tuple[list[RawEntry], str]:
        await may_read.wait()
        return await listen(redis, name, seq, bell, block_ms=50)

    monkeypatch.setattr(feed, "listen", slow_listen)
    monkeypatch.setattr("ticker.gateway.ahead.AHEAD_S", 3600)
    gateway = await start()
    channel = gateway.hub.channels["en"]
    await log.post("Fast")
    async with httpx.AsyncClient(timeout=60) as client:
        request = asyncio.create_task(client.get(f"{gateway.address}/v1/en/lines?after={log.head}"))
        await eventually(lambda: channel.members.ahead.checks, "the gateway checks the log")
        assert not request.done()
        may_read.set()
        response = await request
    assert (response.status_code, response.json()["position"]) == (200, log.head)


async def test_log_trimmed_past_the_gateway_sends_every_reader_a_board_with_reset_trimmed(
    log: LogWriter, start: Start
) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.post_many_and_trim(20, retained=10)
        board = await reader.next_of(BoardMessage)
        assert (board.reset, board.position) == (Reset.TRIMMED, log.at(25))
    assert gateway.hub.channels["en"].counts.resets == {"trimmed": 1}


async def test_trimmed_log_of_another_history_counts_as_replaced(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.rotate_and_trim(20, retained=10)
        board = await reader.next_of(BoardMessage)
        assert (board.reset, board.position) == (Reset.REPLACED, log.at(20))


async def test_new_log_after_flushall_sends_every_reader_a_board_with_reset_replaced(
    log: LogWriter, start: Start
) -> None:
    await log.post_many(5, "old")
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.redis.flushall()
        await log.begin()
        await log.post_many(2, "new")
        board = await reader.next_of(BoardMessage)
        while board.position != log.head:
            board = await reader.next_of(BoardMessage)
    assert board.reset is Reset.REPLACED
    assert [line.text for line in board.lines] == ["new 2", "new 1"]
    assert gateway.hub.troubles == {}
    assert gateway.hub.channels["en"].counts.resets[Reset.REPLACED] > 0


async def test_last_board_stays_after_flushall_and_readyz_reports_it(log: LogWriter, start: Start) -> None:
    await log.post_many(5, "old")
    gateway = await start()
    await log.redis.flushall()
    await until_troubled(gateway)
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert len(reader.boards[0].lines) == 5
    assert (await readiness(gateway))[1]["status"] == "degraded"


async def test_log_that_lost_its_newest_entries_resets_to_the_rest(log: LogWriter, start: Start) -> None:
    await log.post_many(10)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        for seq in (8, 9, 10):
            await log.redis.xdel(log.key, f"{seq}-0")
        board = await reader.next_of(BoardMessage)
    assert (board.reset, board.position) == (Reset.REPLACED, log.at(7))


async def test_paused_reader_is_reset(log: LogWriter, start: Start) -> None:
    await log.post_many(5000, "x" * 900)
    gateway = await start()
    channel = gateway.hub.channels["en"]
    async with RawClient(gateway.address, small=True) as client:
        await client.open(f"/v1/en/live?after={log.at(0)}")
        await eventually(lambda: channel.members.paused, "the follower is paused")
        await log.rotate()
        await eventually(lambda: head(gateway) == log.at(0), "the gateway has the new history")
        payload = b""
        while b'"reset":"replaced"' not in payload:
            _, payload = await client.frame()
    assert log.at(0).encode() in payload


@pytest.mark.parametrize("broken", ["link", "bytes", "number", "fields"])
async def test_entry_with_a_wrong_link_is_never_sent(log: LogWriter, start: Start, broken: str) -> None:
    await log.post_many(3)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        data, logged = log.make_entry(log.new_line("right"))
        forged, _ = log.make_entry(log.new_line("FORGED"))
        if broken == "link":
            await log.append_raw(4, forged, "f" * 64)
        elif broken == "bytes":
            await log.append_raw(4, forged, logged.link)
        elif broken == "number":
            await log.append_raw(5, data, logged.link)
        else:
            await log.redis.xadd(log.key, {"anything": "FORGED"}, id="4-0")
        why = await until_troubled(gateway)
        status, body = await readiness(gateway)
        assert (status, body["status"], body["editions"]["en"]) == (
            200,
            "degraded",
            {"position": log.at(3), "trouble": why},
        )
        assert "entry" in why
        # Repair: a stream never accepts an id again, so write the whole stream again.
        await _rewrite(log, [*[log.stored_entry(seq) for seq in (1, 2, 3)], (4, data, logged.link)])
        log.logged.append(logged)
        await reader.until_at(log.head)
    assert reader.boards[1:] == []
    assert texts_of(reader.messages) == ["right"]
    await eventually(lambda: not gateway.hub.troubles, "the trouble is over")
    assert not any("FORGED" in text for text in reader.texts)


async def _rewrite(log: LogWriter, entries: list[tuple[int, bytes, str]]) -> None:
    pipe: Any = log.redis.pipeline(transaction=True)
    pipe.delete(log.key)
    for seq, data, link in entries:
        pipe.xadd(log.key, {"entry": data, "link": link}, id=f"{seq}-0")
    await pipe.execute()


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
            path.write_bytes(data[: data.rindex(b"*")])  # drop the last command
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


async def test_reader_behind_the_retained_log_gets_a_board(log: LogWriter, start: Start) -> None:
    gateway = await start(retained=100)
    channel = gateway.hub.channels["en"]
    async with RawClient(gateway.address, small=True) as client:
        await client.open()
        while not channel.members.paused:
            await log.post_many(100, "x" * 900)
            await eventually(lambda: head(gateway) == log.head, "the gateway has the entries")
        await log.post_many(1000)
        await eventually(lambda: head(gateway) == log.head, "the gateway has the entries")
        payload = b""
        while b'"type":"board"' not in payload or b'"reset":null' in payload:
            _, payload = await client.frame()
        assert msgspec.json.decode(payload)["reset"] == "behind"
        assert msgspec.json.decode(payload)["position"] == log.head
    assert channel.counts.resets[Reset.BEHIND] == 1
    assert len(channel.history.log.items(0, 10_000)) <= 100 + 256


async def test_new_settings_of_an_edition_are_used(log: LogWriter, gateway: Gateway) -> None:
    edition = msgspec.structs.replace(log.edition, title="News now", sections={"moon": "Moon"})
    await save_edition(log.redis, "en", edition, log.nonce)
    await eventually(lambda: gateway.hub.channels["en"].edition == edition, "the settings are used")
    async with Reader(gateway.address, "section=moon") as reader:
        await reader.until_live()
    assert reader.boards[0].edition.title == "News now"


async def test_pass_is_reported_with_the_number_of_followers_reached(log: LogWriter, gateway: Gateway) -> None:
    async with Reader(gateway.address) as one, Reader(gateway.address, "section=sports") as other:
        await one.until_live()
        await other.until_live()
        await log.post("for one")
        await log.post("for both", section="sports")
        await one.until_at(log.head)
        await other.until_at(log.head)
        reports: list[Any] = []
        while reach_of(2, reports) is None:
            reports = await read_reports(log.redis, "en")
    reach = reach_of(2, reports)
    assert reach is not None
    assert (reach.gateways, reach.followers) == (1, 2)
    assert isinstance(one.messages[-1], LineMessage)
    assert isinstance(other.messages[-2], LiveMessage)
