"""HTTP connections on a real server: limits, their responses and counters, malformed requests and pipelining."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from tests.support.gateway_clients import HANDSHAKE, RawClient, Reader, metrics, refusal
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.gateway.connection import PIPELINED_MAX, REQUEST_BYTES_MAX
from ticker.gateway.connection_limits import LimitedConnection
from ticker.gateway.server import Gateway


async def test_full_gateway_answers_503_with_a_retry_delay(log: LogWriter, start: Start) -> None:
    gateway = await start(followers=1)
    async with Reader(gateway.address):
        refused = await refusal(gateway.address)
        assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "full", "5")
        assert (await metrics(gateway))["ticker_refused_total", "full"] == 1
    await eventually(lambda: not gateway.hub.admission.followers, "the follower has left")
    async with Reader(gateway.address) as reader:
        await reader.until_live()


async def test_followers_are_limited_per_address(log: LogWriter, start: Start) -> None:
    gateway = await start(followers_per_address=2)
    async with Reader(gateway.address), Reader(gateway.address):
        assert (await refusal(gateway.address))[:2] == (429, "address-full")
        async with RawClient(gateway.address, host="127.0.0.2") as elsewhere:
            await elsewhere.open()
        assert (await metrics(gateway))["ticker_refused_total", "address-full"] == 1


async def test_forwarded_address_counts_behind_a_trusted_proxy(log: LogWriter, start: Start) -> None:
    gateway = await start(followers_per_address=1, trusted_proxies=("127.0.0.1/32",))
    async with RawClient(gateway.address) as one, RawClient(gateway.address) as other:
        await one.open(more="X-Forwarded-For: 203.0.113.1\r\n")
        await other.open(more="X-Forwarded-For: 203.0.113.2\r\n")
        assert sorted(gateway.hub.admission._per_address) == ["203.0.113.1", "203.0.113.2"]
        spoofed = {"X-Forwarded-For": "198.51.100.9, 203.0.113.1"}
        assert (await refusal(gateway.address, additional_headers=spoofed))[:2] == (429, "address-full")


async def test_addresses_of_one_ipv6_network_count_as_one(log: LogWriter, start: Start) -> None:
    gateway = await start(followers_per_address=1, trusted_proxies=("127.0.0.1/32",))
    async with RawClient(gateway.address) as one, RawClient(gateway.address) as other:
        await one.open(more="X-Forwarded-For: 2001:db8:1:2::1\r\n")
        neighbour = {"X-Forwarded-For": "2001:db8:1:2:ffff:ffff:ffff:ffff"}
        assert (await refusal(gateway.address, additional_headers=neighbour))[:2] == (429, "address-full")
        await other.open(more="X-Forwarded-For: 2001:db8:1:3::1\r\n")
    await eventually(lambda: not gateway.hub.admission.followers, "both have left")
    assert not gateway.hub.admission._per_address


async def test_forwarded_address_of_an_untrusted_peer_is_ignored(log: LogWriter, start: Start) -> None:
    gateway = await start(followers_per_address=1)
    async with Reader(gateway.address):
        spoofed = {"X-Forwarded-For": "198.51.100.9"}
        assert (await refusal(gateway.address, additional_headers=spoofed))[:2] == (429, "address-full")


async def test_handshakes_above_the_rate_get_503_busy(log: LogWriter, start: Start) -> None:
    gateway = await start(handshakes_per_s=5)
    answers = []
    for _ in range(20):
        async with RawClient(gateway.address) as client:
            await client.send(HANDSHAKE.format(target="/v1/en/live", more=""))
            answers.append((await client.read_until(b"\r\n\r\n"))[9:12])
    assert answers[:5] == [b"101"] * 5
    assert b"503" in answers
    assert (await metrics(gateway))["ticker_refused_total", "busy"] == answers.count(b"503")


async def test_new_selections_above_the_limit_get_503_while_shared_ones_are_served(
    log: LogWriter, start: Start
) -> None:
    gateway = await start(frame_caches=2)
    async with Reader(gateway.address, "section=sports"), Reader(gateway.address, "section=health"):
        assert (await refusal(gateway.address, "section=politics"))[:2] == (503, "selections")
        async with Reader(gateway.address, "section=sports") as shared:
            await shared.until_live()
        assert (await metrics(gateway))["ticker_refused_total", "selections"] == 1
    await eventually(lambda: not gateway.hub.admission.followers, "all have left")
    async with Reader(gateway.address, "section=politics") as reader:
        await reader.until_live()


async def test_selections_are_limited_per_address_and_the_default_one_is_free(log: LogWriter, start: Start) -> None:
    gateway = await start(frame_caches=3, selections_per_address=2)
    async with Reader(gateway.address, "section=sports"), Reader(gateway.address, "region=asia"):
        assert (await refusal(gateway.address, "section=politics"))[:2] == (429, "address-selections")
        async with Reader(gateway.address, "section=sports"), RawClient(gateway.address, host="127.0.0.2") as other:
            await other.open("/v1/en/live?urgency=1")
            # Now the gateway refuses another selection from every address.
            async with RawClient(gateway.address, host="127.0.0.3") as late:
                await late.send(HANDSHAKE.format(target="/v1/en/live?urgency=2", more=""))
                assert b'"selections"' in await late.read_to_end()
            for query in ("", "lines=1", "lines=100"):
                async with Reader(gateway.address, query) as reader:
                    await reader.until_live()
                async with RawClient(gateway.address) as events:
                    await events.send(f"GET /v1/en/events?{query} HTTP/1.1\r\nHost: h\r\n\r\n")
                    assert b" 200 " in await events.read_until(b"\r\n\r\n")
        assert (await metrics(gateway))["ticker_refused_total", "address-selections"] == 1
    await eventually(lambda: not gateway.hub.admission.followers, "all have left")
    async with Reader(gateway.address, "section=politics") as reader:
        await reader.until_live()


async def test_selections_of_event_streams_count_for_their_address(log: LogWriter, start: Start) -> None:
    gateway = await start(selections_per_address=1)
    async with RawClient(gateway.address) as events:
        await events.send("GET /v1/en/events?section=sports HTTP/1.1\r\nHost: h\r\n\r\n")
        await events.read_until(b"event: live")
        assert (await refusal(gateway.address, "section=sports"))[:2] == (429, "address-selections"), "another framing"
        assert (await refusal(gateway.address, "section=health"))[:2] == (429, "address-selections")


async def test_selections_of_one_ipv6_network_count_together(log: LogWriter, start: Start) -> None:
    gateway = await start(selections_per_address=1, trusted_proxies=("127.0.0.1/32",))
    async with RawClient(gateway.address) as one, RawClient(gateway.address) as other:
        await one.open("/v1/en/live?section=sports", "X-Forwarded-For: 2001:db8:1:2::1\r\n")
        neighbour = {"X-Forwarded-For": "2001:db8:1:2:ffff::1"}
        refused = await refusal(gateway.address, "section=health", additional_headers=neighbour)
        assert refused[:2] == (429, "address-selections")
        await other.open("/v1/en/live?section=health", "X-Forwarded-For: 2001:db8:1:3::1\r\n")


async def test_request_that_never_ends_is_cut_off(log: LogWriter, start: Start) -> None:
    gateway = await start(handshake_s=0.2)
    beginnings = [
        "",
        "\r\n",
        "GET /v1/en/live HTTP/1.1\r\n",
        "POST /v1/en/board HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab",
    ]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(RawClient(gateway.address)) for _ in beginnings]
        for client, beginning in zip(clients, beginnings, strict=True):
            await client.send(beginning)
        for client in clients:
            await client.read_to_end()
    assert (await metrics(gateway))["ticker_handshakes_timed_out_total",] == len(beginnings)


async def test_line_breaks_do_not_keep_an_idle_connection_open(log: LogWriter, start: Start) -> None:
    """A line break stops uvicorn's keep-alive timeout without starting a request."""
    gateway = await start(handshake_s=0.2)
    async with RawClient(gateway.address) as client:
        assert (await client.get("/healthz"))[0] == 200
        await client.send("\r\n")
        assert await client.read_to_end() == b""
    assert gateway.hub.limits.timed_out == 1


async def test_slow_request_has_no_more_time_than_a_silent_one(log: LogWriter, start: Start) -> None:
    gateway = await start(handshake_s=0.2)
    async with RawClient(gateway.address) as client:

        async def drip() -> None:
            while True:
                await client.send("x")
                await asyncio.sleep(0.01)

        await client.send("GET /v1/en/live HTTP/1.1\r\nA: ")
        dripping = asyncio.create_task(drip())
        await client.read_to_end()
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
    assert gateway.hub.limits.timed_out == 1


async def test_connection_that_was_silent_keeps_its_time_when_it_sends_a_byte(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, limits = list[float](), gateway.hub.limits
    start_timeout = limits.start_request_timeout

    def start_and_record(connection: LimitedConnection, now: float) -> None:
        started.append(now)
        start_timeout(connection, now)

    monkeypatch.setattr(limits, "start_request_timeout", start_and_record)
    async with RawClient(gateway.address) as client:
        await eventually(lambda: len(started) == 1, "the silent connection is accepted")
        await eventually(lambda: asyncio.get_running_loop().time() > started[0], "the loop's clock goes on")
        await client.send("G")
        await eventually(lambda: len(started) > 1, "its first byte is read")
    assert set(started[:2]) == {started[0]}


async def test_huge_request_is_refused(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        head = b"GET /v1/en/live HTTP/1.1\r\nA: "
        await client.send(head + b"x" * (REQUEST_BYTES_MAX + 1 - len(head)))
        answer = await client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "too-big"
    assert (await metrics(gateway))["ticker_refused_total", "too-big"] == 1


async def test_follower_paused_for_too_long_is_closed_with_1013(log: LogWriter, start: Start) -> None:
    await log.post_many(5000, "x" * 900)
    gateway = await start(follower_paused_s=0.1)
    channel = gateway.hub.channels["en"]
    async with RawClient(gateway.address, small=True) as client:
        await client.open(f"/v1/en/live?after={log.at(0)}")
        await eventually(lambda: channel.counts.left, "the follower is closed")
        assert await client.close_code() == 1013
    assert (await metrics(gateway))["ticker_followers_left_total", "en", "slow"] == 1


async def test_paused_follower_that_never_reads_is_cut_off(log: LogWriter, start: Start) -> None:
    await log.post_many(5000, "x" * 900)
    gateway = await start(follower_paused_s=0.1)
    async with RawClient(gateway.address, small=True) as client, RawClient(gateway.address, small=True) as events:
        await client.open(f"/v1/en/live?after={log.at(0)}")
        await events.send(f"GET /v1/en/events?after={log.at(0)} HTTP/1.1\r\nHost: h\r\n\r\n")
        await eventually(lambda: gateway.hub.admission.followers == 2, "both have joined")
        await eventually(lambda: not gateway.hub.admission.followers, "both are cut off")


async def test_half_closed_follower_that_never_reads_is_cut_off(log: LogWriter, start: Start) -> None:
    await log.post_many(5000, "x" * 900)
    gateway = await start(follower_paused_s=0.1)
    async with RawClient(gateway.address, small=True) as client:
        await client.open(f"/v1/en/live?after={log.at(0)}")
        client.socket.shutdown(1)
        await eventually(lambda: not gateway.hub.admission.followers, "the connection is cut off")


MALFORMED = [
    ("NONSENSE\r\n\r\n", 400),
    ("GET /v1/en/live HTTP/9.9\r\n\r\n", 400),
    ("GET /v1/en/live HTTP/1.1\r\nA B: c\r\n\r\n", 400),
    ("GET /\x01 HTTP/1.1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    ("GET /v1/en/live HTTP/1.0\r\nHost: h\r\n\r\n", 426),
    (HANDSHAKE.format(target="/v1/en/board", more=""), 404),
    (HANDSHAKE.format(target="/v1/en/events", more=""), 404),
    (HANDSHAKE.format(target="http://me@h/v1/en/live", more=""), 400),
    (HANDSHAKE.format(target="/v1/en/live", more="").replace("GET", "POST"), 400),
    (HANDSHAKE.format(target="/v1/en/live", more="").replace("HTTP/1.1", "HTTP/1.0"), 426),
    (HANDSHAKE.format(target="/v1/en/live", more="").replace("Version: 13", "Version: 8"), 426),
    (HANDSHAKE.format(target="/v1/en/live", more="Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400),
]


async def test_malformed_requests_are_refused(gateway: Gateway) -> None:
    for request_head, status in MALFORMED:
        async with RawClient(gateway.address) as client:
            await client.send(request_head)
            head = await client.read_until(b"\r\n\r\n")
        assert int(head[9:12]) == status, request_head


async def test_request_before_an_upgrade_is_answered_first(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        assert (await client.get("/healthz"))[0] == 200
        await client.open()
        assert b'"type":"board"' in (await client.frame())[1]


async def test_upgrade_pipelined_after_an_unanswered_request_is_cut_off(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" + HANDSHAKE.format(target="/v1/en/live", more=""))
        assert b"101" not in await client.read_to_end()
    assert not gateway.hub.admission.followers


async def test_bytes_after_the_handshake_are_never_parsed_as_http(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.send(HANDSHAKE.format(target="/v1/en/live", more="") + "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        await client.read_until(b"\r\n\r\n")
        assert b'"type":"board"' in (await client.frame())[1]
        assert b'"type":"live"' in (await client.frame())[1]
        await client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await client.close_code() == 1002


def pipelined(count: int) -> str:
    return "".join(f"GET /nothing/{number} HTTP/1.1\r\nHost: h\r\n\r\n" for number in range(count))


async def test_pipelined_requests_are_answered_in_order(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        for _ in range(2):
            await client.send(pipelined(PIPELINED_MAX + 1))
            for number in range(PIPELINED_MAX + 1):
                body = await client.read_until(b"'\"}")
                assert f"/nothing/{number}'".encode() in body


async def test_pipelined_requests_above_the_limit_are_refused(gateway: Gateway) -> None:
    """A request of 20 bytes takes 1.5 KB of memory until the responses before it are read."""
    async with RawClient(gateway.address) as client:
        await client.send(pipelined(PIPELINED_MAX + 2))
        answer = await client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "pipelined"
    assert (await metrics(gateway))["ticker_refused_total", "pipelined"] == 1


HISTORY = "GET /v1/en/lines?limit=500 HTTP/1.1\r\nHost: h\r\n\r\n"


async def test_connection_that_does_not_read_its_response_is_cut_off(log: LogWriter, start: Start) -> None:
    await log.post_many(500, "x" * 900)
    gateway = await start(follower_paused_s=0.2)
    async with RawClient(gateway.address, small=True) as client:
        await client.send(HISTORY)
        await eventually(lambda: gateway.hub.limits.unread_cut_off == 1, "the connection is cut off")
        assert len(await client.read_to_end()) < 500 * 900
    assert (await metrics(gateway))["ticker_unread_cut_off_total",] == 1
    assert not gateway.hub.limits._unread
    assert not gateway.hub.limits.unread_bytes


async def test_slowest_connections_are_cut_off_when_unread_responses_exceed_their_limit(
    log: LogWriter, start: Start
) -> None:
    await log.post_many(500, "x" * 900)
    gateway = await start(unread_bytes=2_000_000)  # a response has about 600,000
    limits = gateway.hub.limits
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(8):
            clients.append(await stack.enter_async_context(RawClient(gateway.address, small=True)))
            await clients[-1].send(HISTORY)
            await eventually(lambda: len(limits._unread) + limits.unread_cut_off > number, "the request is answered")  # noqa: B023
            assert limits.unread_bytes <= 2_000_000
        assert limits.unread_cut_off == 5
        assert (await clients[-1].get("/healthz"))[0] == 200  # after the whole page is read


async def test_upgrade_before_the_last_response_is_read_is_cut_off(log: LogWriter, start: Start) -> None:
    """The transport has called `pause_writing` already, and would not call it again for the follower."""
    await log.post_many(500, "x" * 900)
    gateway = await start()
    async with RawClient(gateway.address, small=True) as client:
        await client.send(HISTORY)
        await eventually(lambda: gateway.hub.limits._unread, "the response waits in the write buffer")
        await client.send(HANDSHAKE.format(target="/v1/en/live", more=""))
        assert b" 101 " not in await client.read_to_end()
    assert gateway.hub.admission.admitted == 0
