"""One edition's desk on a real Redis: requests go in, receipts and entries come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.support.desk_harness import DeskHarness, NewHarness, lines_of, new
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core.line import Change, Status
from ticker.core.submission import ReceiptStatus, Submission, encode_request
from ticker.desk.fair_queue import REQUESTS_PER_ROUND
from ticker.redis_fault import RedisFault
from ticker.settings import Settings
from ticker.store.editions import load_edition, save_edition
from ticker.store.inbox import deadline_at_ms
from ticker.store.log_reader import verify_log
from ticker.store.receipts import last_receipt_id
from ticker.store.streams import redis_ms


async def test_a_published_line_has_its_position_in_the_receipt(harness: DeskHarness) -> None:
    async with harness.desk():
        receipt = await harness.ask("ann", new("k1"))
    (entry,) = await harness.entries()
    assert (receipt.status, receipt.id, receipt.version) == (ReceiptStatus.ON_AIR, entry.line.id, 1)
    assert receipt.position == str((await verify_log(harness.redis, "en")).head)
    assert receipt.published_at == entry.line.updated_at
    assert (entry.editor, entry.key) == ("ann", "k1")


async def test_the_line_has_the_desks_time_and_the_submission_rediss(harness: DeskHarness) -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    async with harness.desk(clock=lambda: noon):
        stream_id = await harness.submit("ann", new("k1"))
        (receipt,) = await harness.settled("ann")
    (entry,) = await harness.entries()
    assert receipt.published_at == entry.line.created_at == noon
    assert entry.submitted_at == datetime.fromtimestamp(deadline_at_ms(stream_id, 0) / 1000, UTC)


async def test_a_new_line_gets_an_unused_id(harness: DeskHarness) -> None:
    ids = iter(["same", "same", "other", "same", "other", "third"])
    async with harness.desk(new_id=lambda: next(ids)):
        receipts = [await harness.ask("ann", new(f"k{number}")) for number in range(3)]
    assert [receipt.id for receipt in receipts] == ["same", "other", "third"]


async def test_two_new_lines_of_one_batch_get_different_ids(harness: DeskHarness) -> None:
    ids = iter(["same", "same", "other"])
    await harness.submit("ann", new("k1"))
    await harness.submit("ann", new("k2"))
    async with harness.desk(new_id=lambda: next(ids)):
        assert [receipt.id for receipt in await harness.settled("ann")] == ["same", "other"]


async def test_a_repeated_key_makes_one_entry_and_gets_the_same_receipt(harness: DeskHarness) -> None:
    async with harness.desk():
        first = await harness.ask("ann", new("k1"))
        again = await harness.ask("ann", new("k1", "Another text altogether"))
    assert first == again
    assert len(await harness.entries()) == 1


async def test_a_retry_gets_the_same_bytes_from_the_next_desk(harness: DeskHarness) -> None:
    for _ in range(3):
        await harness.submit("ann", new("k1"))
        async with harness.desk():
            await harness.settled("ann")
    receipts = await harness.receipts("ann")
    assert len(receipts) == 3
    assert len({stored.data for stored in receipts}) == 1
    assert len(await harness.entries()) == 1


async def test_a_key_is_known_from_the_log_after_its_receipt_was_deleted(harness: DeskHarness) -> None:
    async with harness.desk():
        first = await harness.ask("ann", new("k1"))
    await harness.redis.delete(harness.keys.receipts("ann"))
    async with harness.desk():
        again = await harness.ask("ann", new("k1"))
    assert again == first
    assert len(await harness.entries()) == 1


async def test_two_editors_may_use_the_same_key(harness: DeskHarness) -> None:
    async with harness.desk():
        receipts = [await harness.ask(editor, new("k1")) for editor in ("ann", "bob")]
    assert receipts[0].id != receipts[1].id


async def test_a_repeated_key_in_one_batch_makes_one_entry(harness: DeskHarness) -> None:
    await harness.submit("ann", new("k1"))
    await harness.submit("ann", new("k1"))
    async with harness.desk():
        first, again = await harness.settled("ann")
    assert first == again
    assert len(await harness.entries()) == 1


async def test_each_change_in_a_batch_applies_to_the_one_before_it(harness: DeskHarness) -> None:
    await harness.submit("ann", new("k1"))
    await harness.submit("ann", Submission(key="k2", change=Change.UPDATE, id="the-line", version=1, text="Two"))
    await harness.submit("ann", Submission(key="k3", change=Change.UPDATE, id="the-line", version=2, text="Three"))
    ids = iter(("the-line", "id-2", "id-3"))
    async with harness.desk(new_id=lambda: next(ids)):
        receipts = await harness.settled("ann")
    assert [(receipt.status, receipt.version) for receipt in receipts] == [(ReceiptStatus.ON_AIR, n) for n in (1, 2, 3)]


async def test_a_change_of_an_old_version_is_refused_with_the_latest_version(harness: DeskHarness) -> None:
    async with harness.desk():
        line_id = (await harness.ask("ann", new("k1"))).id
        await harness.ask("bob", Submission(key="k2", change=Change.UPDATE, id=line_id, version=1, text="Bob's"))
        stale = await harness.ask(
            "ann", Submission(key="k3", change=Change.UPDATE, id=line_id, version=1, text="Ann's")
        )
    assert (stale.status, stale.version, stale.errors[0].code) == (ReceiptStatus.REFUSED, 2, "stale")
    assert lines_of(await harness.entries())[-1] == "Bob's"


async def test_a_withdrawal_removes_the_text_from_the_line_but_not_from_the_log(harness: DeskHarness) -> None:
    async with harness.desk():
        line_id = (await harness.ask("ann", new("k1", "A rumour"))).id
        receipt = await harness.ask("ann", Submission(key="k2", change=Change.WITHDRAW, id=line_id, reason="Wrong"))
    first, last = await harness.entries()
    assert receipt.status is ReceiptStatus.ON_AIR
    assert (first.line.text, last.line.text, last.line.status) == ("A rumour", "", Status.CANCELED)


async def test_a_request_whose_deadline_passed_before_the_desk_started_is_late(harness: DeskHarness) -> None:
    await harness.submit_raw("ann", encode_request(new("k1")), "1000-0")
    async with harness.desk():
        (receipt,) = await harness.settled("ann")
    assert (receipt.status, receipt.key, receipt.errors[0].code) == (ReceiptStatus.LATE, "k1", "late")
    assert await harness.entries() == []


async def test_the_desks_deadline_limits_that_of_the_request(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, submission_deadline_s=1)
    minute_ago = await redis_ms(harness.redis) - 60_000
    await harness.submit_raw("ann", encode_request(new("k1", deadline_s=3600)), f"{minute_ago}-0")
    async with harness.desk():
        (receipt,) = await harness.settled("ann")
    assert receipt.status is ReceiptStatus.LATE


async def test_a_repeat_of_a_late_request_before_its_deadline_is_late(harness: DeskHarness) -> None:
    now = await redis_ms(harness.redis)
    await harness.submit_raw("ann", encode_request(new("k1", deadline_s=2)), f"{now - 4000}-0")
    await harness.submit_raw("ann", encode_request(new("k1", deadline_s=30)), f"{now - 3000}-0")
    async with harness.desk():
        receipts = await harness.settled("ann")
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.LATE, ReceiptStatus.LATE]


async def test_a_late_key_can_be_used_again_after_its_deadline(harness: DeskHarness) -> None:
    await harness.submit_raw("ann", encode_request(new("k1")), "1000-0")
    async with harness.desk():
        await harness.settled("ann")
    async with harness.desk():  # a desk that reads the receipts from Redis
        assert (await harness.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
        assert (await harness.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
    assert len(await harness.entries()) == 1


async def test_a_request_without_a_desk_is_never_published_after_its_deadline(harness: DeskHarness) -> None:
    after = await last_receipt_id(harness.redis, "en", "ann")
    stream_id = await harness.submit("ann", new("k1", deadline_s=0.05))
    assert await harness.receipt_after("ann", "k1", after, deadline_at_ms(stream_id, 0.05)) is None
    async with harness.desk():
        (receipt,) = await harness.settled("ann")
    assert receipt.status is ReceiptStatus.LATE


@pytest.mark.parametrize(
    ("data", "code", "key"),
    [
        (b"", "malformed", ""),
        (b"\x00\xff", "malformed", ""),
        (b"[" * 5000, "malformed", ""),
        (b'{"key": "k1"}', "malformed", "k1"),
        (b'{"key": "k1", "change": "new", "text": "A", "colour": "red"}', "malformed", "k1"),
        (b'{"key": "k1", "change": "explode"}', "malformed", "k1"),
        (b'{"key": "", "change": "new", "text": "A"}', "malformed", ""),
        (json.dumps({"key": "k" * 129, "change": "new", "text": "A"}).encode(), "malformed", ""),
        (b'{"key": "k1", "change": "new", "text": "A", "deadline_s": 1e999}', "malformed", "k1"),
        (json.dumps({"key": "k1", "change": "new", "text": "A" * 10_000}).encode(), "too-big", "k1"),
        (json.dumps({"key": "k1", "change": "new", "text": "A" * 3_000_000}).encode(), "too-big", ""),
        (b'{"key": "k1", "change": "new", "text": "\\ud800"}', "malformed", ""),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else value,
)
async def test_an_unreadable_request_is_refused_and_the_next_one_is_settled(
    harness: DeskHarness, data: bytes, code: str, key: str
) -> None:
    async with harness.desk() as state:
        await harness.submit_raw("ann", data)
        following = await harness.ask("ann", new("next"))
    refused = (await harness.receipts("ann"))[0].receipt
    assert (refused.status, refused.errors[0].code, refused.key) == (ReceiptStatus.REFUSED, code, key)
    assert following.status is ReceiptStatus.ON_AIR
    assert state.errors == 0


async def test_an_inbox_entry_without_the_field_is_refused(harness: DeskHarness) -> None:
    async with harness.desk():
        await harness.submit_raw("ann", b"x", field="nonsense")
        (receipt,) = await harness.settled("ann")
    assert receipt.status is ReceiptStatus.REFUSED


@pytest.mark.parametrize(
    "forged", ["18446744073709551615-18446744073709551615", "253402300800000-0", "9999999999999-7"]
)
async def test_an_id_from_the_future_is_late_and_resets_the_inbox(harness: DeskHarness, forged: str) -> None:
    await harness.submit_raw("ann", encode_request(new("k1")), forged)
    async with harness.desk():
        (receipt,) = await harness.settled("ann")
        later = await harness.ask("ann", new("k2"))
        same_key = await harness.ask("ann", new("k1"))
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.LATE, "clock")
    assert later.status is same_key.status is ReceiptStatus.ON_AIR
    assert [entry.key for entry in await harness.entries()] == ["k2", "k1"]


async def test_each_id_from_the_future_is_answered_once(harness: DeskHarness) -> None:
    for number in range(3):
        await harness.submit_raw("ann", encode_request(new(f"k{number}")), f"9999999999999-{number}")
    await harness.submit("bob", new("k1"))
    async with harness.desk():
        receipts = await harness.settled("ann", "bob")
        again = await harness.ask("ann", new("next"))
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.LATE] * 3 + [ReceiptStatus.ON_AIR]
    assert again.status is ReceiptStatus.ON_AIR


async def test_a_flood_from_one_editor_does_not_delay_another(harness: DeskHarness) -> None:
    for number in range(10 * REQUESTS_PER_ROUND):
        await harness.submit("ann", new(f"k{number}"))
    await harness.submit("zoe", new("k"))
    async with harness.desk():
        await harness.settled("ann", "zoe")
    authors = [entry.editor for entry in await harness.entries()]
    assert authors.index("zoe") == 1
    assert len(authors) == 10 * REQUESTS_PER_ROUND + 1


async def test_a_round_reads_a_limited_number_of_requests_per_inbox(
    harness: DeskHarness,
) -> None:
    for number in range(5 * REQUESTS_PER_ROUND):
        await harness.submit("ann", new(f"k{number}"))
    rounds = 0

    def count_rounds() -> datetime:
        nonlocal rounds
        rounds += 1
        return datetime.now(UTC)

    async with harness.desk(clock=count_rounds):
        await harness.settled("ann")
    assert rounds >= 5


async def test_the_inbox_of_an_unregistered_editor_is_not_read(harness: DeskHarness) -> None:
    await harness.redis.xadd(harness.keys.inbox("eve"), {"submission": encode_request(new("k1"))})
    async with harness.desk():
        await harness.ask("ann", new("k1"))
    assert [entry.editor for entry in await harness.entries()] == ["ann"]
    assert await harness.redis.xlen(harness.keys.inbox("eve")) == 1


async def test_an_editor_with_an_invalid_name_is_ignored(harness: DeskHarness) -> None:
    await harness.redis.hset(harness.keys.editors, mapping={"../x": "", "": "", "a}b": "", b"\xff": ""})
    async with harness.desk() as state:
        assert (await harness.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
    assert state.errors == 0


async def test_settled_requests_are_deleted_from_the_inbox(harness: DeskHarness) -> None:
    async with harness.desk():
        for number in range(5):
            await harness.ask("ann", new(f"k{number}"))
    assert await harness.redis.xlen(harness.keys.inbox("ann")) == 0


async def test_the_desk_updates_changed_settings_and_keeps_the_nonce(harness: DeskHarness) -> None:
    old = Settings().editions["ar"]
    await save_edition(harness.redis, "en", old, "ab" * 32)
    async with harness.desk():
        stored = await load_edition(harness.redis, "en")
    assert stored is not None
    assert stored.edition == harness.settings.editions["en"]
    assert stored.nonce == "ab" * 32


async def test_an_exception_in_the_rules_refuses_only_that_submission(harness: DeskHarness) -> None:
    async with harness.desk(new_id=Failing(1)) as state:
        failed = await harness.ask("ann", new("k1"))
        following = await harness.ask("ann", new("k2"))
    assert (failed.status, failed.errors[0].code) == (ReceiptStatus.REFUSED, "internal")
    assert following.status is ReceiptStatus.ON_AIR
    assert state.errors == 0


class Failing:
    """A function that fails a few times, and then returns ids."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.made = 0

    def __call__(self) -> str:
        self.times -= 1
        if self.times >= 0:
            raise ZeroDivisionError
        self.made += 1
        return f"line-{self.made}"


REFUSALS = {
    RedisFault.OUT_OF_MEMORY: ("maxmemory", "1", "0"),
    RedisFault.TOO_FEW_REPLICAS: ("min-replicas-to-write", "1", "0"),
}


@pytest.mark.parametrize("fault", REFUSALS)
async def test_a_desk_notices_that_redis_refuses_writes_before_anybody_posts(
    tcp_server: RedisServer, fault: RedisFault, new_harness: NewHarness
) -> None:
    harness = new_harness(tcp_server.url)
    option, refusing, usual = REFUSALS[fault]
    async with harness.desk() as state:
        tcp_server.command("CONFIG", "SET", option, refusing)
        await eventually(lambda: state.outages.redis_faults[fault], "the desk has noticed")
        assert not state.accepting
        assert not state.outages.is_redis_away
        tcp_server.command("CONFIG", "SET", option, usual)
        await eventually(lambda: state.accepting, "the desk accepts submissions again")
        assert (await harness.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
