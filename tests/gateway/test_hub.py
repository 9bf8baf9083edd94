"""Heartbeats, and the shutdown: `bye`, 1012, and nothing left behind."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
import websockets
from websockets.frames import Opcode

from tests.support.gateway_clients import HANDSHAKE, RawClient, Reader, masked, refusal
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.messages import ByeMessage, HeartbeatMessage
from ticker.core.parts import LATENCY_BOUNDS_MS
from ticker.gateway import members
from ticker.gateway.follower import Leave
from ticker.gateway.hub import latencies_of
from ticker.gateway.server import Gateway
from ticker.metrics.histograms import DURATION_BOUNDS_S, Histogram


async def test_idle_reader_gets_heartbeats_with_the_position(log: LogWriter, start: Start) -> None:
    await log.post("all there is")
    gateway = await start(heartbeat_s=1)
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        assert await reader.next_of(HeartbeatMessage) == HeartbeatMessage(log.head)


async def test_reader_whose_selection_matches_nothing_gets_heartbeats(log: LogWriter, start: Start) -> None:
    gateway = await start(heartbeat_s=1)
    async with Reader(gateway.address, "section=sports") as reader:
        await reader.until_live()
        await log.post("not for it", section="health")
        await eventually(lambda: gateway.hub.channels["en"].history.log.head == 1, "the gateway has the entry")
        assert await reader.next_of(HeartbeatMessage) == HeartbeatMessage(log.head)


async def test_heartbeats_are_spread_over_the_interval(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write group is in the next slot."""
    monkeypatch.setattr(members, "GROUP_MAX", 2)
    async with AsyncExitStack() as stack:
        for _ in range(50):
            client = await stack.enter_async_context(RawClient(gateway.address))
            await client.open()
        slots = gateway.hub.channels["en"].members.slots
        assert [len(list(slot)) for slot in slots] == [2] * 25


async def test_stop_sends_bye_and_closes_with_1012(log: LogWriter, start: Start) -> None:
    gateway = await start(drain_s=0.5)
    readers = [Reader(gateway.address) for _ in range(20)]
    async with AsyncExitStack() as stack:
        for reader in readers:
            await stack.enter_async_context(reader)
            await reader.until_live()
        gateway.stop()
        for reader in readers:
            assert await reader.until_closed() == (1012, "restart")
            bye = reader.messages[-1]
            assert isinstance(bye, ByeMessage)
            assert 0 <= bye.retry_ms <= 500
    retries = {message.retry_ms for reader in readers for message in reader.messages if isinstance(message, ByeMessage)}
    assert len(retries) > 5, "their retry delays differ"
    assert gateway.hub.channels["en"].counts.left == {Leave.DRAINED: 20}


async def test_draining_gateway_is_not_ready_and_refuses_followers(log: LogWriter, start: Start) -> None:
    gateway = await start(drain_s=5)
    clients = [RawClient(gateway.address) for _ in range(20)]
    for client in clients:
        await client.__aenter__()
        await client.open()
    gateway.stop()
    await eventually(lambda: gateway.hub.is_draining, "the gateway drains")
    async with httpx.AsyncClient() as http:
        ready = await http.get(f"{gateway.address}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert (await http.get(f"{gateway.address}/healthz")).status_code == 200
    refused = await refusal(gateway.address)
    assert (refused.status, refused.error) == (503, "draining")
    assert int(refused.headers["Retry-After"]) > 0
    gateway.stop()
    for client in clients:
        client.socket.close()


async def test_second_stop_ends_immediately(log: LogWriter, start: Start) -> None:
    gateway = await start(drain_s=3600)
    clients = [RawClient(gateway.address) for _ in range(50)]
    for client in clients:
        await client.__aenter__()
        await client.open()
    gateway.stop()
    await eventually(lambda: gateway.hub.is_draining, "the gateway drains")
    gateway.stop()
    for client in clients:
        await client.read_to_end()
        client.socket.close()
    assert gateway.hub.channels["en"].counts.left[Leave.DRAINED] < 50, "the drain is cut short"


async def test_peers_that_never_answer_a_close_do_not_delay_the_end(log: LogWriter, start: Start) -> None:
    await log.post_many(3000, "x" * 900)
    gateway = await start()
    async with RawClient(gateway.address) as silent, RawClient(gateway.address, small=True) as stuck:
        await silent.open()
        await stuck.open(f"/v1/en/live?after={log.at(0)}")
        await eventually(lambda: gateway.hub.channels["en"].members.paused, "the follower is paused")
        gateway.stop()
        await eventually(lambda: not gateway.hub.admission.followers, "both are cut off")


def never_finish_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_log(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("ticker.gateway.feed.read_log", read_log)
    monkeypatch.setattr("ticker.gateway.ahead.AHEAD_S", 3600)


async def test_waiting_reader_is_disconnected_without_a_response(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_finish_checks(monkeypatch)
    gateway = await start()
    async with RawClient(gateway.address) as client:
        waiting = asyncio.create_task(client.open("/v1/en/live?after=9-0000000000000000"))
        await eventually(lambda: gateway.hub.channels["en"].members, "the follower waits")
        gateway.stop()
        with pytest.raises((AssertionError, ConnectionResetError)) as ended:
            await waiting
        assert "HTTP" not in str(ended.value)
        assert client.buffer == b""


async def test_redis_client_that_loses_a_cancellation_does_not_delay_the_end(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py does this in a Cluster: it returns a response that has just come and drops the cancellation."""

    lost = 0

    async def read_log(*_: object) -> list[object]:
        nonlocal lost
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost += 1
            if lost > 1:
                raise
        return []

    monkeypatch.setattr("ticker.gateway.feed.read_log", read_log)
    monkeypatch.setattr("ticker.gateway.ahead.AHEAD_S", 3600)
    gateway = await start()
    async with RawClient(gateway.address) as client:
        waiting = asyncio.create_task(client.open("/v1/en/live?after=9-0000000000000000"))
        await eventually(lambda: gateway.hub.channels["en"].members.ahead.checks, "the gateway checks the log")
        (running,) = [task for task in asyncio.all_tasks() if task.get_name() == "gateway"]
        gateway.stop()
        async with asyncio.timeout(60):
            await asyncio.shield(running)
        with pytest.raises((AssertionError, ConnectionResetError)):
            await waiting
    assert lost == 1


async def test_ping_of_a_waiting_reader_is_not_answered_before_its_handshake(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client must wait for the response (RFC 6455, 4.1), so this connection is closed."""
    never_finish_checks(monkeypatch)
    gateway = await start()
    async with RawClient(gateway.address) as client:
        await client.send(HANDSHAKE.format(target="/v1/en/live?after=9-0000000000000000", more=""))
        await eventually(lambda: gateway.hub.channels["en"].members, "the follower waits")
        await client.send(masked(Opcode.PING, b"early"))
        assert await client.receive() == b""


async def test_reader_that_leaves_while_it_waits_is_forgotten(
    log: LogWriter, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_finish_checks(monkeypatch)
    gateway = await start()
    async with RawClient(gateway.address) as client:
        await client.send(
            "GET /v1/en/live?after=9-0000000000000000 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await eventually(lambda: gateway.hub.channels["en"].members, "the follower waits")
        await client.send(masked(0x8, b""))  # type: ignore[arg-type]
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")


async def test_gateway_without_followers_stops_without_redis(
    log: LogWriter, start: Start, redis_server: object
) -> None:
    gateway = await start()
    (running,) = [task for task in asyncio.all_tasks() if task.get_name() == "gateway"]
    redis_server.kill()  # type: ignore[attr-defined]
    await eventually(lambda: gateway.hub.troubles, "the feed has noticed")
    gateway.stop()
    await eventually(running.done, "the gateway has ended")


async def test_websockets_client_sees_a_clean_end(log: LogWriter, start: Start) -> None:
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        gateway.stop()
        await reader.until_closed()
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await reader.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd_then_sent


def test_report_of_a_gateway_has_the_classes_of_its_histograms() -> None:
    assert [1000 * bound for bound in DURATION_BOUNDS_S] == pytest.approx(LATENCY_BOUNDS_MS)
    one, another = Histogram(), Histogram()
    for value in (0.0001, 0.002, 0.002):
        one.observe(value)
    another.observe(1000.0)
    found = dict(zip(LATENCY_BOUNDS_MS, latencies_of([one, another]), strict=True))
    assert {bound: count for bound, count in found.items() if count} == {0.1: 1, 2.5: 2, 30_000.0: 1}
