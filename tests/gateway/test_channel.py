"""A follower is sent the board, missed entries and new ones: each entry once and in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import websockets

from tests.support.gateway_clients import RawClient, Reader, refusal, texts_of
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.entry import RawEntry
from ticker.core.line import Change
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, LineMessage, LiveMessage
from ticker.gateway import feed
from ticker.gateway.server import Gateway
from ticker.store import log_reader as store_log


async def test_reader_gets_the_board_then_live_then_new_entries(log: LogWriter, gateway: Gateway) -> None:
    await log.post("first")
    async with Reader(gateway.address) as reader:
        await eventually(lambda: gateway.hub.channels["en"].history.log.head == 1, "the gateway has the entry")
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.post("news")
        await reader.until_at(log.head)
    assert [type(message) for message in reader.messages] == [BoardMessage, LiveMessage, LineMessage]
    assert [line.text for line in reader.boards[0].lines] == ["first"]
    assert reader.boards[0].reset is None
    assert texts_of(reader.messages) == ["news"]


async def test_reader_with_a_position_gets_the_missed_entries_and_no_board(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(2)}") as reader:
        await reader.until_live()
    assert [message.position for message in reader.lines] == [log.at(3), log.at(4), log.at(5)]
    assert reader.boards == []
    live = reader.messages[-1]
    assert isinstance(live, LiveMessage)
    assert (live.position, live.replayed) == (log.head, 3)


async def test_reader_at_the_head_gets_only_live(log: LogWriter, start: Start) -> None:
    await log.post_many(3)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.head}") as reader:
        await reader.until_live()
    (live,) = reader.messages
    assert isinstance(live, LiveMessage)
    assert (live.position, live.replayed) == (log.head, 0)


async def test_reader_of_an_empty_log_resumes_from_its_start(log: LogWriter, gateway: Gateway) -> None:
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert reader.position == log.at(0)
    await log.post("first ever")
    async with Reader(gateway.address, f"after={reader.position}") as again:
        await again.until_at(log.head)
    assert texts_of(again.messages) == ["first ever"]
    assert again.boards == []


async def test_response_board_and_live_are_one_write(log: LogWriter, start: Start) -> None:
    await log.post_many(3)
    gateway = await start()
    async with RawClient(gateway.address) as client:
        await client.send(
            "GET /v1/en/live HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        first = await client.receive()
    assert first.startswith(b"HTTP/1.1 101 ")
    assert b'"type":"board"' in first
    assert b'"replayed":0,"now":"' in first


async def test_long_replay_is_complete_and_ends_with_one_live(log: LogWriter, start: Start) -> None:
    await log.post_many(3000)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(0)}") as reader:
        await reader.until_live()
        await log.post("after the replay")
        await reader.until_at(log.head)
    assert [message.position for message in reader.lines] == [log.at(seq) for seq in range(1, 3002)]
    lives = [message for message in reader.messages if isinstance(message, LiveMessage)]
    assert [(live.position, live.replayed) for live in lives] == [(log.at(3000), 3000)]


async def test_entries_that_come_during_a_replay_are_sent_once_after_it(log: LogWriter, start: Start) -> None:
    await log.post_many(2000)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(0)}") as reader:
        await log.post_many(500, "later")
        await reader.until_at(log.head)
    assert [message.position for message in reader.lines] == [log.at(seq) for seq in range(1, 2501)]


async def test_unusable_position_gets_a_board_with_the_reason(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    for position, why in {
        "3-0000000000000000": Reset.REPLACED,
        "0-0000000000000000": Reset.REPLACED,
        "9999-0000000000000000": Reset.REPLACED,
        "nonsense": Reset.MALFORMED,
        "3-00000000000000": Reset.MALFORMED,
        "03-0000000000000000": Reset.MALFORMED,
        "9007199254740992-0000000000000000": Reset.MALFORMED,
        "-1-0000000000000000": Reset.MALFORMED,
        "3-0000000000000000%0A": Reset.MALFORMED,
    }.items():
        async with Reader(gateway.address, f"after={position}") as reader:
            await reader.until_live()
        assert [type(message) for message in reader.messages] == [BoardMessage, LiveMessage], position
        assert (reader.boards[0].reset, reader.position) == (why, log.head), position


async def test_trimmed_position_gets_a_board_with_reset_trimmed(log: LogWriter, start: Start) -> None:
    await log.post_many(20)
    await log.redis.xtrim(log.key, maxlen=5, approximate=False)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(10)}") as reader:
        await reader.until_live()
    assert reader.boards[0].reset is Reset.TRIMMED
    async with Reader(gateway.address, f"after={log.at(16)}") as reader:
        await reader.until_live()
    assert [message.position for message in reader.lines] == [log.at(seq) for seq in (17, 18, 19, 20)]


async def test_position_from_a_faster_gateway_waits_for_its_entry(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads_on = asyncio.Event()

    async def listen(*asked: Any) -> tuple[list[RawEntry], str]:
        found = await store_log.listen(*asked)
        await reads_on.wait()
        return found

    monkeypatch.setattr(feed, "listen", listen)
    await log.post_many(3)
    gateway = await start()
    await log.post("seen elsewhere already")
    opening = asyncio.create_task(Reader(gateway.address, f"after={log.head}").__aenter__())
    await eventually(lambda: gateway.hub.channels["en"].members.ahead.checks, "the gateway checks the log")
    reads_on.set()
    reader = await opening
    await reader.until_live()
    await log.post("next")
    await reader.until_at(log.head)
    await reader.__aexit__()
    assert [type(message) for message in reader.messages] == [LiveMessage, LineMessage]
    assert texts_of(reader.messages) == ["next"]


async def test_burst_reaches_every_reader_in_order(log: LogWriter, gateway: Gateway) -> None:
    readers = [Reader(gateway.address) for _ in range(10)]
    for reader in readers:
        await reader.__aenter__()
        await reader.until_live()
    await log.post_many(400)
    for reader in readers:
        await reader.until_at(log.head)
        await reader.__aexit__()
        assert [message.position for message in reader.lines] == [log.at(seq) for seq in range(1, 401)]


async def test_selection_gets_its_lines_only(log: LogWriter, gateway: Gateway) -> None:
    query = "section=sports&section=politics&region=africa&urgency=3"
    async with Reader(gateway.address, query) as reader:
        await reader.until_live()
        await log.post("other section", section="health", regions=("africa",), urgency=1)
        await log.post("other region", section="sports", regions=("asia",), urgency=1)
        await log.post("not urgent", section="sports", regions=("africa",), urgency=4)
        await log.post("mine", section="sports", regions=("asia", "africa"), urgency=3)
        await reader.until_at(log.head)
    assert texts_of(reader.messages) == ["mine"]


async def test_reader_gets_the_version_with_which_a_line_leaves_its_selection(log: LogWriter, gateway: Gateway) -> None:
    async with Reader(gateway.address, "section=sports") as reader:
        await reader.until_live()
        line = await log.post("about sports", section="sports")
        await log.change(line, Change.UPDATE, section="health", text="about health after all")
        await reader.until_at(log.head)
    assert texts_of(reader.messages) == ["about sports", "about health after all"]


async def test_withdrawal_reaches_a_selection_that_the_line_has_left(log: LogWriter, start: Start) -> None:
    line = await log.post("about sports", section="sports")
    moved = await log.change(line, Change.UPDATE, section="health")
    gone = moved.without_text(moved.status)
    # The desk copies the earlier facets to each later entry, and so does this test.
    await log._append(
        log.new_line("", id=gone.id, version=3, number=1, change=Change.WITHDRAW, status="canceled", section="health"),
        earlier_facets=(line.facets,),
    )
    gateway = await start()
    async with Reader(gateway.address, f"section=sports&after={log.at(1)}") as reader:
        await reader.until_live()
    assert [message.line.change for message in reader.lines] == [Change.UPDATE, Change.WITHDRAW]


async def test_selection_applies_to_the_board(log: LogWriter, start: Start) -> None:
    await log.post("sports", section="sports")
    await log.post("health", section="health")
    gateway = await start()
    async with Reader(gateway.address, "section=sports") as reader:
        await reader.until_live()
    assert [line.text for line in reader.boards[0].lines] == ["sports"]


async def test_reader_chooses_the_size_of_its_board(log: LogWriter, start: Start) -> None:
    await log.post_many(30)
    gateway = await start()
    for query, length in (("", 10), ("lines=3", 3), ("lines=100", 30)):
        async with Reader(gateway.address, query) as reader:
            await reader.until_live()
        assert len(reader.boards[0].lines) == length


async def test_invalid_query_is_refused_before_the_upgrade(gateway: Gateway) -> None:
    """Two examples: `test_handshake` has the others."""
    for query, error in {"lines=0": "lines", "section=gossip": "section"}.items():
        assert (await refusal(gateway.address, query))[:2] == (400, error)


async def test_unknown_edition_is_refused_before_the_upgrade(gateway: Gateway) -> None:
    assert (await refusal(gateway.address, edition="xx"))[:2] == (404, "edition")


async def test_subprotocol_is_selected_if_offered(gateway: Gateway) -> None:
    async with Reader(gateway.address, subprotocols=["other", "ticker.v1"]) as reader:
        assert reader.connection.subprotocol == "ticker.v1"
    async with Reader(gateway.address, subprotocols=["other"]) as reader:
        assert reader.connection.subprotocol is None


async def test_two_gateways_send_the_same_and_accept_each_others_positions(log: LogWriter, start: Start) -> None:
    one, other = await start(), await start()
    async with Reader(one.address) as reader, Reader(other.address) as twin:
        await reader.until_live()
        await twin.until_live()
        await log.post_many(20)
        await reader.until_at(log.at(10))
        await twin.until_at(log.head)
    assert reader.texts == twin.texts[: len(reader.texts)]
    async with Reader(other.address, f"after={reader.position}") as resumed:
        await resumed.until_at(log.head)
    assert [m.position for m in reader.lines] + [m.position for m in resumed.lines] == [
        log.at(seq) for seq in range(1, 21)
    ]


async def test_edition_added_later_is_served(log: LogWriter, gateway: Gateway, redis_url: str) -> None:
    arabic = await LogWriter(redis_url, "ar").begin()
    await eventually(lambda: "ar" in gateway.hub.channels, "the edition is found")
    async with Reader(gateway.address, edition="ar") as reader:
        await reader.until_live()
        await arabic.post("عاجل")
        await reader.until_at(arabic.head)
    assert reader.boards[0].edition.dir == "rtl"
    assert texts_of(reader.messages) == ["عاجل"]
    await arabic.aclose()


async def test_readers_that_leave_during_a_pass_do_not_disturb_others(log: LogWriter, gateway: Gateway) -> None:
    """A pass over 450 followers yields to the event loop several times, and followers leave in between."""
    clients = [RawClient(gateway.address) for _ in range(450)]
    for client in clients:
        await client.__aenter__()
        await client.open()
    channel = gateway.hub.channels["en"]
    await eventually(lambda: len(channel.members) == 450, "all have joined")
    for leaving in clients[::2]:
        await log.post("news")
        leaving.socket.close()
    await eventually(lambda: len(channel.members) == 225, "half of them have left")
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.post("still served")
        await reader.until_at(log.head)
    for client in clients:
        client.socket.close()


async def test_notes_keys_and_editors_are_never_sent(log: LogWriter, gateway: Gateway) -> None:
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.post("public")
        await reader.until_at(log.head)
    for secret in ("staff only", "ana", "key-1"):
        assert not any(secret in text for text in reader.texts)


async def test_reader_that_closes_is_answered_and_forgotten(log: LogWriter, gateway: Gateway) -> None:
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await reader.connection.close(1001, "leaving the page")
    assert reader.connection.close_code == 1001
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")
    with pytest.raises(websockets.ConnectionClosed):
        await reader.next()
