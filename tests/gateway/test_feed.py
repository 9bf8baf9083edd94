"""The feed detects another history, lost entries and broken links. No gap goes unnoticed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.gateway_clients import RawClient, Reader, texts_of
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.entry import RawEntry
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, LineMessage, LiveMessage
from ticker.gateway import feed
from ticker.gateway.server import Gateway
from ticker.store.connection import Redis
from ticker.store.editions import save_edition
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
