"""The Python client in a private edition: it sends the token, renews it, and logs it nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.gateway_clients import refusal
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.private_editions import HOUR_S, STRANGER, bearer, keys_file, private_edition, token_for
from tests.support.waiting import WAIT_S
from ticker.client import BoardMessage, LiveMessage, RefusedError, follow
from ticker.client.access_token import VARIABLE, token_from
from ticker.client.follower import Lost, editions_at, follow_events
from ticker.core.errors import SettingsError
from ticker.gateway.server import Gateway


@pytest_asyncio.fixture
async def gateway(redis_url: str, start: Start, tmp_path: Path) -> AsyncIterator[Gateway]:
    writer = await LogWriter(redis_url, "en", private_edition()).begin()
    yield await start(access_keys_file=keys_file(tmp_path))
    await writer.aclose()


def end_hour(gateway: Gateway) -> None:
    later = datetime.now(UTC) + timedelta(seconds=2 * HOUR_S)
    gateway.hub.channels["en"]._clock = lambda: later


async def test_client_renews_its_token_and_resumes(gateway: Gateway) -> None:
    given = [token_for("en"), token_for("en", for_s=9 * HOUR_S)]

    async def renew() -> str:
        return given.pop(0)

    async with aclosing(follow(f"{gateway.address}/en", token=renew)) as messages, asyncio.timeout(WAIT_S):
        assert [type(await anext(messages)) for _ in range(2)] == [BoardMessage, LiveMessage]
        end_hour(gateway)
        assert isinstance(await anext(messages), LiveMessage), "it resumes without a new board"
    assert given == []


async def test_token_that_cannot_be_renewed_raises_when_it_expires(gateway: Gateway) -> None:
    async with aclosing(follow(f"{gateway.address}/en", token=token_for("en"))) as messages, asyncio.timeout(WAIT_S):
        assert [type(await anext(messages)) for _ in range(2)] == [BoardMessage, LiveMessage]
        end_hour(gateway)
        with pytest.raises(RefusedError, match="4401"):
            await anext(messages)


async def test_refused_token_raises_unless_it_can_be_renewed(gateway: Gateway) -> None:
    wrong = token_for("en", key=STRANGER)
    with pytest.raises(RefusedError, match="not valid here"):
        await anext(follow(f"{gateway.address}/en", token=wrong))
    async with aclosing(follow_events(lambda: gateway.address, "en", {}, token=lambda: wrong)) as events:
        lost = await anext(event async for event in events if isinstance(event, Lost))
    assert "not valid here" in lost.reason


async def test_client_retries_while_its_token_cannot_be_renewed(gateway: Gateway) -> None:
    def renew() -> str:
        raise ConnectionError("https://user:password@issuer.example")

    async with aclosing(follow_events(lambda: gateway.address, "en", {}, token=renew)) as events:
        lost = await anext(event async for event in events if isinstance(event, Lost))
    assert lost.reason == "the token can't be renewed (ConnectionError)"


async def test_nothing_logs_a_token(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the client nor the gateway, not even at the level `debug`, and not for a wrong token."""
    wrong, good = token_for("en", key=STRANGER), token_for("en")
    with caplog.at_level(logging.DEBUG):
        async with aclosing(follow(f"{gateway.address}/en", token=good)) as messages:
            await anext(messages)
        with pytest.raises(RefusedError) as caught:
            await anext(follow(f"{gateway.address}/en", token=wrong))
    for secret in (wrong, good):
        assert secret.rpartition(".")[2] not in caplog.text
        assert secret not in str(caught.value)
    assert (await refusal(gateway.address, additional_headers=bearer(wrong))).status == 401


async def test_list_of_editions_needs_the_token(gateway: Gateway) -> None:
    assert await asyncio.to_thread(editions_at, gateway.address) == []
    assert await asyncio.to_thread(editions_at, gateway.address, token_for("en")) == ["en"]


def test_token_from_a_file_is_read_again_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n", encoding="utf-8")
    source = token_from({f"{VARIABLE}_FILE": str(file)})
    assert callable(source)
    assert source() == "first"
    file.write_text("second\n", encoding="utf-8")
    assert source() == "second"
    assert token_from({VARIABLE: "third"}) == "third"
    assert token_from({}) is None
    with pytest.raises(SettingsError, match="both set"):
        token_from({VARIABLE: "third", f"{VARIABLE}_FILE": str(file)})
