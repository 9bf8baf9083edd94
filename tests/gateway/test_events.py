"""Server-Sent Events: the same messages over plain HTTP, resumed with `Last-Event-ID`."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.support.gateway_clients import RawClient, Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.gateway.framing import RETRY_MIN_MS
from ticker.gateway.server import Gateway
from ticker.store.editions import save_edition


class Events(RawClient):
    """A client of an event stream."""

    async def subscribe(self, query: str = "", more: str = "") -> bytes:
        await self.send(f"GET /v1/en/events{query} HTTP/1.1\r\nHost: ticker.test\r\n{more}\r\n")
        return await self.read_until(b"\r\n\r\n")

    async def event(self) -> dict[str, Any]:
        """Return the fields of the next event, with the data decoded."""
        raw = (await self.read_until(b"\n\n")).decode()
        fields = dict(line.split(": ", 1) for line in raw.strip().split("\n"))
        return {**fields, "data": json.loads(fields["data"])}

    async def until_live(self) -> list[dict[str, Any]]:
        events = [await self.event()]
        while events[-1]["event"] != "live":
            events.append(await self.event())
        return events


async def test_events_have_the_same_messages_as_the_websocket(log: LogWriter, start: Start) -> None:
    await log.post_many(3)
    gateway = await start()
    async with Events(gateway.address) as events, Reader(gateway.address) as reader:
        head = await events.subscribe()
        got = await events.until_live()
        await reader.until_live()
        await log.post("news")
        got.append(await events.event())
        await reader.until_at(log.head)
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream")
    assert [each["data"] for each in got] == [json.loads(text) for text in reader.texts]
    assert [each["event"] for each in got] == ["board", "live", "line"]
    assert [each["id"] for each in got] == [log.at(3), log.at(3), log.at(4)]


async def test_last_event_id_wins_over_an_older_position_in_the_url(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Events(gateway.address) as events:
        await events.subscribe(f"?after={log.at(1)}", f"Last-Event-ID: {log.at(4)}\r\n")
        got = await events.until_live()
    assert [each["id"] for each in got] == [log.at(5), log.at(5)]
    assert [each["event"] for each in got] == ["line", "live"]


async def test_unknown_last_event_id_gets_a_board(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Events(gateway.address) as events:
        await events.subscribe("", "Last-Event-ID: 3-0000000000000000\r\n")
        got = await events.until_live()
    assert got[0]["data"]["reset"] == "replaced"


async def test_selection_applies_to_events(log: LogWriter, gateway: Gateway) -> None:
    async with Events(gateway.address) as events:
        await events.subscribe("?section=sports")
        await events.until_live()
        await log.post("no", section="health")
        await log.post("yes", section="sports")
        assert (await events.event())["data"]["line"]["text"] == "yes"


async def test_pages_of_other_origins_may_read_events(gateway: Gateway) -> None:
    async with Events(gateway.address) as events:
        head = await events.subscribe("", "Origin: https://news.example\r\n")
    assert b"\r\nAccess-Control-Allow-Origin: https://news.example\r\n" in head
    assert b"\r\nVary: Origin\r\n" in head


async def test_origins_that_an_edition_does_not_allow_are_refused(log: LogWriter, start: Start) -> None:
    await save_edition(
        log.redis, "en", msgspec.structs.replace(log.edition, origins=("https://ours.example",)), "0" * 64
    )
    gateway = await start()
    async with Events(gateway.address) as events:
        assert (await events.subscribe("", "Origin: https://evil.example\r\n")).startswith(b"HTTP/1.1 403 ")
    async with RawClient(gateway.address) as client:
        await client.open(more="Origin: https://ours.example\r\n")


async def test_drain_sends_bye_and_ends_the_stream(log: LogWriter, start: Start) -> None:
    gateway = await start()
    async with Events(gateway.address) as events:
        await events.subscribe()
        await events.until_live()
        gateway.stop()
        bye = await events.event()
        assert (bye["event"], bye["data"]["reason"]) == ("bye", "restart")
        assert int(bye["retry"]) == bye["data"]["retry_ms"] + RETRY_MIN_MS
        assert await events.read_to_end() == b""


async def test_heartbeat_is_an_event(log: LogWriter, start: Start) -> None:
    gateway = await start(heartbeat_s=1)
    async with Events(gateway.address) as events:
        await events.subscribe()
        await events.until_live()
        assert (await events.event())["event"] == "heartbeat"


async def test_client_that_sends_more_is_disconnected(gateway: Gateway) -> None:
    async with Events(gateway.address) as events:
        await events.subscribe()
        await events.until_live()
        await events.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await events.read_to_end() == b""
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")


async def test_request_pipelined_after_an_event_stream_is_never_answered(log: LogWriter, gateway: Gateway) -> None:
    async with Events(gateway.address) as events:
        await events.send("GET /v1/en/events HTTP/1.1\r\nHost: h\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        await events.read_until(b"\r\n\r\n")
        await events.until_live()
        await log.post("news")
        assert (await events.event())["data"]["line"]["text"] == "news"
        assert events.buffer == b""


async def test_http2_upgrade_is_ignored(gateway: Gateway) -> None:
    async with Events(gateway.address) as events:
        head = await events.subscribe("", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        await events.until_live()


async def test_http_1_0_client_gets_the_stream(gateway: Gateway) -> None:
    async with Events(gateway.address) as events:
        await events.send("GET /v1/en/events HTTP/1.0\r\n\r\n")
        assert b"text/event-stream" in await events.read_until(b"\r\n\r\n")
        await events.until_live()
