from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from tests.support.servers import RedisServer
from tests.support.system import System
from tests.support.waiting import eventually
from ticker.client import Publisher, ReceiptStatus
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.errors import SettingsError, StoreError
from ticker.core.line import Change
from ticker.core.submission import Receipt, Submission
from ticker.store.connection import connect
from ticker.store.editions import save_edition


def codes(receipt: Receipt) -> list[str]:
    return [finding.code for finding in receipt.errors]


async def test_a_line_can_be_posted_changed_and_withdrawn(publisher: Publisher) -> None:
    posted = await publisher.post("Polls close", section="politics", regions=("europe",), urgency=2)
    assert (posted.status, posted.version, posted.edition) == (ReceiptStatus.ON_AIR, 1, "en")
    assert posted.id is not None
    line = posted.id
    receipts = [
        await publisher.update(line, "Polls close, turnout at 71 per cent"),
        await publisher.refile(line, "Polls close; turnout at 71 per cent"),
        await publisher.correct(line, "Polls close; turnout at 70 per cent", "An earlier line said 71 per cent."),
        await publisher.pin(line, datetime.now(UTC) + timedelta(hours=1)),
        await publisher.unpin(line),
        await publisher.hide(line),
        await publisher.unhide(line),
        await publisher.withdraw(line, "The figure was wrong."),
    ]
    assert [(receipt.status, receipt.id, receipt.version) for receipt in receipts] == [
        (ReceiptStatus.ON_AIR, line, version) for version in range(2, 10)
    ]
    assert receipts[-1].position is not None


async def test_a_change_based_on_an_old_version_is_refused(publisher: Publisher) -> None:
    posted = await publisher.post("First")
    assert posted.id is not None
    await publisher.update(posted.id, "Second", version=1)
    refused = await publisher.update(posted.id, "Third", version=1)
    assert refused.status is ReceiptStatus.REFUSED
    assert refused.version == 2


async def test_a_second_request_with_the_same_key_gets_the_first_receipt(publisher: Publisher) -> None:
    first = await publisher.post("Sent once", key="the-same")
    second = await publisher.post("Sent once", key="the-same")
    assert first.status is ReceiptStatus.ON_AIR
    assert (second.position, second.id) == (first.position, first.id)
    submission = Submission(key="the-same", change=Change.NEW, text="Sent once")
    assert (await publisher.submit(submission)).position == first.position


async def test_requests_run_at_the_same_time(publisher: Publisher) -> None:
    receipts = await asyncio.gather(*(publisher.post(f"At the same time {number}") for number in range(10)))
    assert {receipt.status for receipt in receipts} == {ReceiptStatus.ON_AIR}
    assert len({receipt.position for receipt in receipts}) == 10


async def test_a_held_item_can_be_cancelled(publisher: Publisher) -> None:
    held = await publisher.post("Later", publish_at=datetime.now(UTC) + timedelta(hours=1))
    assert held.status is ReceiptStatus.HELD
    assert held.held is not None
    cancelled = await publisher.cancel(held.held)
    assert cancelled.status is ReceiptStatus.DROPPED


async def test_another_editor_approves_or_rejects_what_needs_a_second_person(system: System) -> None:
    async with (
        Publisher(system.redis_url, edition="ar", editor="intern") as intern,
        Publisher(system.redis_url, edition="ar", editor="maha") as maha,
    ):
        first, second = (
            await intern.post("إغلاق صناديق الاقتراع", urgency=1),
            await intern.post("بدء التصويت", urgency=1),
        )
        assert first.held is not None
        assert second.held is not None
        (item,) = [held for held in await maha.held_items() if held.id == first.held]
        assert (item.submission.text, item.editor) == ("إغلاق صناديق الاقتراع", "intern")
        assert (await maha.approve(item)).status is ReceiptStatus.ON_AIR
        rejected = await maha.reject(second.held, "Who says so?")
        assert (rejected.status, rejected.reason) == (ReceiptStatus.DROPPED, "Who says so?")


async def test_an_edition_that_does_not_exist_is_named_when_the_publisher_opens(system: System) -> None:
    with pytest.raises(SettingsError, match="there is no edition fr: the editions are en, ar, es"):
        await Publisher(system.redis_url, edition="fr", editor="wire").__aenter__()


async def test_without_redis_the_publisher_does_not_open(folder: Path) -> None:
    with pytest.raises(StoreError, match="can't be reached"):
        await Publisher(f"unix://{folder}/none.sock", edition="en", editor="wire").__aenter__()


def test_the_editor_is_the_user_of_the_url_unless_one_is_given() -> None:
    assert Publisher("redis://wire@h", edition="en").editor == "wire"
    assert Publisher("redis://wire@h", edition="en", editor="maha").editor == "maha"
    with pytest.raises(SettingsError, match="no editor is named"):
        Publisher("redis://h", edition="en")


def test_without_a_url_the_environment_names_the_redis_and_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TICKER_REDIS_URL", "redis://wire@redis.example")
    monkeypatch.setenv("TICKER_REDIS_PASSWORD", "secret")
    publisher = Publisher(edition="en")
    assert publisher.editor == "wire"
    assert "secret" not in repr(publisher)
    monkeypatch.delenv("TICKER_REDIS_URL")
    monkeypatch.setenv("TICKER_DATA", str(tmp_path))
    with pytest.raises(StoreError, match="start it with `ticker up`"):
        Publisher(edition="en", editor="wire")


async def test_a_publisher_that_is_not_open_raises() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Publisher("redis://wire@h", edition="en").post("Too early")


async def edition_without_a_desk(server: RedisServer) -> None:
    client = connect(server.url, role="desk")
    await save_edition(client, "en", DEFAULT_EDITIONS["en"], "5e" * 32)
    await client.aclose()


async def test_without_a_desk_the_receipt_says_that_it_is_certainly_not_on_air(redis_server: RedisServer) -> None:
    await edition_without_a_desk(redis_server)
    async with Publisher(redis_server.url, edition="en", editor="wire") as publisher:
        receipt = await publisher.post("Unread", deadline_s=0.1)
    assert receipt.status is ReceiptStatus.NOT_ON_AIR
    assert codes(receipt) == ["no-desk"]


async def test_a_redis_that_is_gone_before_the_request_is_sent_gives_a_certain_receipt(
    redis_server: RedisServer,
) -> None:
    await edition_without_a_desk(redis_server)
    async with Publisher(redis_server.url, edition="en", editor="wire") as publisher:
        redis_server.kill()
        receipt = await publisher.post("Not sent")
    assert receipt.status is ReceiptStatus.NOT_ON_AIR
    assert codes(receipt) == ["no-redis"]


async def test_a_redis_that_hangs_after_the_request_was_sent_leaves_the_outcome_open(
    redis_server: RedisServer,
) -> None:
    await edition_without_a_desk(redis_server)

    async def is_sent() -> bool:
        return bool(redis_server.command("XLEN", "ticker:{en}:inbox:wire"))

    async with Publisher(redis_server.url, edition="en", editor="wire") as publisher:
        posting = asyncio.create_task(publisher.post("Sent", deadline_s=0.5))
        await eventually(is_sent, "the request is in the inbox")
        redis_server.pause()
        receipt = await posting
        redis_server.resume()
    assert receipt.status is ReceiptStatus.UNKNOWN
    assert codes(receipt) == ["unconfirmed"]


async def test_a_cancelled_request_leaves_no_connection_behind(redis_server: RedisServer) -> None:
    await edition_without_a_desk(redis_server)

    async def is_sent() -> bool:
        return bool(redis_server.command("XLEN", "ticker:{en}:inbox:wire"))

    async with Publisher(redis_server.url, edition="en", editor="wire") as publisher:
        posting = asyncio.create_task(publisher.post("Cancelled"))
        await eventually(is_sent, "the request is in the inbox")
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting
    with redis.Redis(unix_socket_path=redis_server.url.removeprefix("unix://")) as client:
        assert "ticker-tick" not in {each["name"] for each in client.client_list()}


async def test_a_forgotten_line_is_withdrawn_by_its_id(publisher: Publisher) -> None:
    refused = await publisher.withdraw("k7m2x9ab3d", "It was wrong")
    assert [error.code for error in refused.errors] == ["unknown"]
    receipt = await publisher.withdraw("k7m2x9ab3d", "It was wrong", forgotten=True)
    assert (receipt.status, receipt.id) == (ReceiptStatus.ON_AIR, "k7m2x9ab3d")
