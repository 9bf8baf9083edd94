"""A gateway that starts with a damaged log serves its sound entries. A new history reaches gateways immediately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.support.gateway_clients import Reader, refusal
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.entry import RawEntry
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage
from ticker.gateway import feed
from ticker.store.connection import Redis
from ticker.store.log_reader import listen
from ticker.store.log_repair import inspect_log, repair_log

Damage = Callable[[LogWriter], Awaitable[None]]


async def delete_middle(log: LogWriter) -> None:
    await log.redis.xdel(log.key, "4-0")


async def change_bytes(log: LogWriter) -> None:
    await rewrite(log, 4, lambda data, link: (data.replace(b'"text":"line 4"', b'"text":"FORGED"'), link))


async def break_json(log: LogWriter) -> None:
    await rewrite(log, 4, lambda data, link: (data[:-20], link))


async def add_alien(log: LogWriter) -> None:
    data, _ = log.make_entry(log.new_line("FORGED"))
    await log.redis.xadd(log.key, {"entry": data, "link": "f" * 64})


async def rewrite(log: LogWriter, seq: int, change: Callable[[bytes, str], tuple[bytes, str]]) -> None:
    pipe: Any = log.redis.pipeline(transaction=True)
    pipe.delete(log.key)
    for number, data, link in [log.stored_entry(each) for each in range(1, len(log.logged) + 1)]:
        entry, stored_link = change(data, link) if number == seq else (data, link)
        pipe.xadd(log.key, {"entry": entry, "link": stored_link}, id=f"{number}-0")
    await pipe.execute()


@pytest.mark.parametrize(
    ("damage", "lost"),
    [(delete_middle, 4), (change_bytes, 4), (break_json, 4), (add_alien, None)],
)
async def test_gateway_serves_what_is_sound_of_a_damaged_log_and_says_that_it_is_incomplete(
    log: LogWriter, start: Start, damage: Damage, lost: int | None
) -> None:
    await log.post_many(7)
    await damage(log)
    gateway = await start()
    async with Reader(gateway.address) as newcomer, Reader(gateway.address, f"after={log.head}") as returned:
        await newcomer.until_live()
        await returned.until_live()
    (board,) = newcomer.boards
    assert [line.text for line in board.lines] == [f"line {seq}" for seq in range(7, 0, -1) if seq != lost]
    assert (board.incomplete, board.position[:2], board.position != log.head) == (True, "7-", True)
    assert returned.boards == []
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        readiness = (await client.get("/readyz")).json()
        metrics = (await client.get("/metrics")).text.splitlines()
        plain = (await client.get("/v1/en/board")).json()
    assert plain["incomplete"] is True
    assert (readiness["status"], readiness["editions"]["en"]["position"]) == ("degraded", board.position)
    assert "run `ticker repair en --dry-run`" in readiness["editions"]["en"]["trouble"]
    assert {'ticker_following{edition="en"} 0.0', 'ticker_log_damaged{edition="en"} 1.0'} <= {*metrics}


async def test_reader_of_an_incomplete_board_gets_a_new_one_from_a_gateway_with_the_whole_log(
    log: LogWriter, start: Start
) -> None:
    """Its position must not say that it has every line up to there."""
    await log.post_many(7)
    whole = await start()
    await delete_middle(log)
    damaged = await start()
    async with Reader(damaged.address) as reader:
        await reader.until_live()
    async with Reader(damaged.address, f"after={reader.position}") as again:
        await again.until_live()
    async with Reader(whole.address, f"after={reader.position}") as moved:
        await moved.until_live()
    assert again.boards == []
    assert [(board.reset, len(board.lines)) for board in moved.boards] == [(Reset.REPLACED, 7)]


async def test_withdrawal_after_the_damage_hides_the_text_before_it(log: LogWriter, start: Start) -> None:
    wrong = await log.post("WRONG")
    await log.post_many(3)
    await log.withdraw(wrong)
    await log.post_many(2)
    await log.redis.xdel(log.key, "3-0")
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    async with httpx.AsyncClient() as client:
        history = (await client.get(f"{gateway.address}/v1/en/lines")).text
    assert not any("WRONG" in text for text in (*reader.texts, history))


async def test_damaged_log_without_a_sound_entry_gets_503(log: LogWriter, start: Start) -> None:
    await log.append_raw(1, b"{}", "f" * 64)
    gateway = await start()
    refused = await refusal(gateway.address)
    assert (refused.status, refused.error) == (503, "unavailable")
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{gateway.address}/metrics")).text.splitlines()
    assert {'ticker_following{edition="en"} 0.0', 'ticker_log_damaged{edition="en"} 1.0'} <= {*metrics}


async def test_restored_log_replaces_an_incomplete_board(log: LogWriter, start: Start) -> None:
    await log.post_many(7)
    await delete_middle(log)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await rewrite(log, 0, lambda data, link: (data, link))
        board = await reader.next_of(BoardMessage)
        assert (board.reset, board.incomplete, len(board.lines)) == (Reset.REPLACED, False, 7)
    await eventually(lambda: not gateway.hub.troubles, "the trouble is over")
    assert gateway.hub.damaged == set()


@pytest.fixture
def no_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the feed notice only entries and rings, and never the passing of time."""

    async def news(redis: Redis, name: str, seq: int, bell: str) -> tuple[list[RawEntry], str]:
        while True:
            entries, rung = await listen(redis, name, seq, bell, block_ms=50)
            if entries or rung != bell:
                return entries, rung

    monkeypatch.setattr(feed, "listen", news)
    monkeypatch.setattr(feed, "RECHECK_S", 3600)
    monkeypatch.setattr("ticker.store.connection.BLOCKING_TIMEOUT_S", 3600)


@pytest.mark.usefixtures("no_timers")
async def test_rotation_reaches_the_gateway_with_its_next_feed_read(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        for _ in range(2):
            await log.rotate()
            board = await reader.next_of(BoardMessage)
            assert (board.reset, board.position) == (Reset.REPLACED, log.at(0))
    assert gateway.hub.troubles == {}


@pytest.mark.usefixtures("no_timers")
async def test_repair_reaches_a_gateway_that_waits_for_it_at_once(log: LogWriter, start: Start) -> None:
    await log.post_many(7)
    await delete_middle(log)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await repair_log(log.redis, await inspect_log(log.redis, "en"))
        board = await reader.next_of(BoardMessage)
    assert (board.reset, board.incomplete, board.position[:2]) == (Reset.REPLACED, False, "6-")
    assert [line.text for line in board.lines] == [f"line {seq}" for seq in (7, 6, 5, 3, 2, 1)]


async def test_reports_of_reach_of_the_history_before_do_not_count(log: LogWriter) -> None:
    await log.redis.xadd(f"ticker:{{{log.name}}}:reach", {"report": "of the old log"})
    await log.rotate()
    assert not await log.redis.exists(f"ticker:{{{log.name}}}:reach")
