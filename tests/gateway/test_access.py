"""Private editions in a running gateway: the handshake, the expiry, and a change of `access`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.support.channel_harness import ChannelHarness
from tests.support.gateway_clients import RawClient, Reader, metrics, refusal
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.private_editions import SIGNER, bearer, keys_file, private_edition, token_for, wrong_tokens
from tests.support.waiting import WAIT_S, eventually
from ticker.core.edition import DEFAULT_EDITIONS, Access
from ticker.core.messages import ByeMessage, CloseCode
from ticker.gateway.access import SUBPROTOCOL_PREFIX
from ticker.gateway.follower import Leave, State
from ticker.gateway.server import Gateway
from ticker.store.editions import save_edition

STATUSES = {
    "no token": (401, "token"),
    "another edition's": (403, "token-edition"),
    "expired": (401, "token-expired"),
    "wrong key": (401, "token-invalid"),
    "another scheme": (401, "token"),
}


@pytest_asyncio.fixture
async def log(redis_url: str) -> AsyncIterator[LogWriter]:
    """The log of a private edition `en`."""
    writer = LogWriter(redis_url, "en", private_edition())
    await writer.begin()
    yield writer
    await writer.aclose()


@pytest_asyncio.fixture
async def gateway(log: LogWriter, start: Start, tmp_path: Path) -> Gateway:
    return await start(access_keys_file=keys_file(tmp_path))


def end_hour(gateway: Gateway) -> None:
    """Let the gateway's clock jump: every token of an hour has expired."""
    later = datetime.now(UTC) + timedelta(hours=2)
    for channel in gateway.hub.channels.values():
        channel._clock = lambda: later


async def test_token_opens_a_socket_as_a_header_or_as_a_subprotocol(gateway: Gateway) -> None:
    for key in (None, SIGNER):
        token = token_for("en") if key is None else token_for("en", key=key)
        async with Reader(gateway.address, additional_headers=bearer(token)) as reader:
            await reader.until_live()
        async with Reader(gateway.address, subprotocols=["ticker.v1", f"{SUBPROTOCOL_PREFIX}{token}"]) as reader:
            await reader.until_live()
            assert reader.connection.subprotocol == "ticker.v1", "the token is never confirmed"


async def test_wrong_tokens_are_refused_with_a_challenge(gateway: Gateway) -> None:
    for name, headers in wrong_tokens("en").items():
        refused = await refusal(gateway.address, additional_headers=headers)
        assert (refused.status, refused.error) == STATUSES[name], name
        assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="ticker"'), name
        assert refused.headers["Cache-Control"] == "no-store"
        token = headers.get("Authorization", "").rpartition(" ")[2]
        offered = ["ticker.v1", f"{SUBPROTOCOL_PREFIX}{token}"]
        if token and name != "another scheme":
            assert (await refusal(gateway.address, subprotocols=offered)).status == STATUSES[name][0], name
    counted = await metrics(gateway)
    assert counted["ticker_refused_total", "token-expired"] == 2
    assert gateway.hub.admission.followers == 0


async def test_two_authorizations_are_as_none(gateway: Gateway) -> None:
    """A proxy and the gateway could choose different ones."""
    twice = "".join(f"Authorization: Bearer {token_for('en')}\r\n" for _ in range(2))
    async with RawClient(gateway.address) as client:
        status, body = await client.get("/v1/en/board", twice)
    assert (status, json.loads(body)["error"]) == (401, "token")


@pytest.mark.parametrize("path", ["live", "events"])
async def test_expired_token_closes_the_connection_and_says_why(gateway: Gateway, path: str) -> None:
    if path == "live":
        async with (
            asyncio.timeout(WAIT_S),
            Reader(gateway.address, additional_headers=bearer(token_for("en"))) as reader,
        ):
            await reader.until_live()
            end_hour(gateway)
            assert await reader.until_closed() == (CloseCode.TOKEN, "a new token is needed")
            assert reader.messages[-1] == ByeMessage(0, "token")
    else:
        text = ""
        async with (
            asyncio.timeout(WAIT_S),
            httpx.AsyncClient(base_url=gateway.address, timeout=WAIT_S) as client,
            client.stream("GET", "/v1/en/events", headers=bearer(token_for("en"))) as response,
        ):
            async for part in response.aiter_text():
                text += part
                if "event: live" in text:
                    end_hour(gateway)
        assert '"reason":"token"' in text.rpartition("event: bye")[2]
    assert gateway.hub.channels["en"].counts.left == {Leave.TOKEN: 1}


async def test_reader_with_a_new_token_misses_nothing(gateway: Gateway, log: LogWriter) -> None:
    async with Reader(gateway.address, additional_headers=bearer(token_for("en"))) as reader:
        await reader.until_live()
        position = reader.position
    await log.post("Missed")
    await eventually(lambda: str(gateway.hub.channels["en"].position) == log.head, "the gateway has the line")
    async with Reader(gateway.address, f"after={position}", additional_headers=bearer(token_for("en"))) as reader:
        await reader.until_at(log.head)
    assert [message.line.text for message in reader.lines] == ["Missed"]
    assert not reader.boards


async def test_edition_that_becomes_private_closes_its_readers(redis_url: str, start: Start, tmp_path: Path) -> None:
    writer = await LogWriter(redis_url).begin()
    gateway = await start(access_keys_file=keys_file(tmp_path))
    try:
        async with Reader(gateway.address) as reader:
            await reader.until_live()
            await save_edition(writer.redis, "en", private_edition(), writer.nonce)
            async with asyncio.timeout(WAIT_S):
                assert (await reader.until_closed())[0] == CloseCode.TOKEN
        assert (await refusal(gateway.address)).status == 401
        await save_edition(writer.redis, "en", DEFAULT_EDITIONS["en"], writer.nonce)
        await eventually(lambda: not gateway.hub.channels["en"].is_private, "the edition is open again")
        async with Reader(gateway.address) as reader:
            await reader.until_live()
    finally:
        await writer.aclose()


async def test_edition_becomes_private_while_entries_keep_coming(redis_url: str, start: Start, tmp_path: Path) -> None:
    writer = await LogWriter(redis_url).begin()
    gateway = await start(access_keys_file=keys_file(tmp_path))

    async def post() -> None:
        while True:
            await writer.post("Busy")

    posting = asyncio.create_task(post())
    try:
        await save_edition(writer.redis, "en", private_edition(), writer.nonce)
        await eventually(lambda: gateway.hub.channels["en"].is_private, "the edition is private", within_s=20)
    finally:
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        await writer.aclose()


async def test_edition_with_a_damaged_log_becomes_private(redis_url: str, start: Start, tmp_path: Path) -> None:
    writer = await LogWriter(redis_url).begin()
    await writer.post_many(4)
    gateway = await start(access_keys_file=keys_file(tmp_path))
    try:
        await writer.redis.xdel(writer.key, "2-0", "4-0")
        await eventually(lambda: "en" in gateway.hub.damaged, "the gateway finds the damage")
        await save_edition(writer.redis, "en", private_edition(), writer.nonce)
        await eventually(lambda: gateway.hub.channels["en"].is_private, "the edition is private", within_s=20)
    finally:
        await writer.aclose()


async def test_gateway_without_keys_refuses_everybody(log: LogWriter, start: Start) -> None:
    gateway = await start()
    for headers in ({}, bearer(token_for("en"))):
        refused = await refusal(gateway.address, additional_headers=headers)
        assert (refused.status, refused.error) == (503, "no-keys")


# Without a socket


async def test_open_edition_keeps_no_expiry() -> None:
    harness = ChannelHarness()
    harness.follow()
    harness.channel.tick(0, 0.0)
    assert len(harness.members.expiries) == 0


async def test_follower_that_leaves_drops_its_expiry() -> None:
    harness = ChannelHarness()
    follower, _ = harness.follow()
    harness.members.expiries.add(follower, 5)
    follower.connection_lost(None)
    assert len(harness.members.expiries) == 0


async def test_tick_closes_only_the_expired() -> None:
    harness = ChannelHarness()
    now = harness.now.timestamp()
    early, transport = harness.follow()
    late, late_transport = harness.follow()
    harness.members.expiries.add(early, now)
    harness.members.expiries.add(late, now + 60)
    harness.channel.tick(0, 0.0)
    await eventually(lambda: early.state is State.LEFT, "the expired follower is closed")  # in a time slice
    assert b'"reason":"token"' in b"".join(transport.written)
    assert not late_transport.is_closing()
    assert b"bye" not in b"".join(late_transport.written)
    harness.now += timedelta(minutes=2)
    harness.channel.tick(1, 1.0)
    await eventually(lambda: late.state is State.LEFT, "the other one is closed later")


async def test_follower_that_waits_is_closed_after_its_handshake() -> None:
    """A close frame can't come before the response."""
    harness = ChannelHarness()
    follower, transport = harness.follow_ahead(1)
    harness.members.expiries.add(follower, 0)
    harness.channel.tick(0, 0.0)
    assert transport.written == []
    harness.post("one")
    harness.channel.tick(1, 1.0)
    await eventually(lambda: follower.state is State.LEFT, "it is closed after its handshake")
    assert transport.written[0].startswith(b"HEAD")


async def test_change_of_access_reaches_followers_that_wait() -> None:
    harness = ChannelHarness()
    harness.follow()
    harness.follow_ahead(9)
    private = msgspec.structs.replace(harness.channel.edition, access=Access.TOKEN)
    harness.channel.edit(private)
    assert len(harness.members.expiries) == 2
    harness.channel.edit(msgspec.structs.replace(private, access=Access.OPEN))
    assert len(harness.members.expiries) == 0
    await asyncio.sleep(0)
