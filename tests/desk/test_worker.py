"""One edition's desk on a real Redis: requests go in, receipts and entries come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.desk_harness import DeskHarness, lines_of, new
from tests.support.waiting import eventually
from ticker.core.errors import LinkError
from ticker.core.line import Change, Status
from ticker.core.submission import ReceiptStatus, Submission, encode_request
from ticker.desk.plan import PendingRequest
from ticker.desk.worker import REQUESTS_PER_ROUND, interleave
from ticker.settings import Settings
from ticker.store.editions import load_edition, save_edition
from ticker.store.inbox import deadline_at_ms
from ticker.store.log_reader import rotate, verify_log
from ticker.store.receipts import last_receipt_id
from ticker.store.streams import read_range, redis_ms


async def test_a_published_line_has_its_position_in_the_receipt(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        receipt = await newsroom.ask("ann", new("k1"))
    (entry,) = await newsroom.entries()
    assert (receipt.status, receipt.id, receipt.version) == (ReceiptStatus.ON_AIR, entry.line.id, 1)
    assert receipt.position == str((await verify_log(newsroom.redis, "en")).head)
    assert receipt.published_at == entry.line.updated_at
    assert (entry.editor, entry.key) == ("ann", "k1")


async def test_the_line_has_the_desks_time_and_the_submission_rediss(newsroom: DeskHarness) -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    async with newsroom.desk(clock=lambda: noon):
        stream_id = await newsroom.submit("ann", new("k1"))
        (receipt,) = await newsroom.settled("ann")
    (entry,) = await newsroom.entries()
    assert receipt.published_at == entry.line.created_at == noon
    assert entry.submitted_at == datetime.fromtimestamp(deadline_at_ms(stream_id, 0) / 1000, UTC)


async def test_a_new_line_gets_an_unused_id(newsroom: DeskHarness) -> None:
    ids = iter(["same", "same", "other", "same", "other", "third"])
    async with newsroom.desk(new_id=lambda: next(ids)):
        receipts = [await newsroom.ask("ann", new(f"k{number}")) for number in range(3)]
    assert [receipt.id for receipt in receipts] == ["same", "other", "third"]


async def test_two_new_lines_of_one_batch_get_different_ids(newsroom: DeskHarness) -> None:
    ids = iter(["same", "same", "other"])
    await newsroom.submit("ann", new("k1"))
    await newsroom.submit("ann", new("k2"))
    async with newsroom.desk(new_id=lambda: next(ids)):
        assert [receipt.id for receipt in await newsroom.settled("ann")] == ["same", "other"]


async def test_a_repeated_key_makes_one_entry_and_gets_the_same_receipt(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        first = await newsroom.ask("ann", new("k1"))
        again = await newsroom.ask("ann", new("k1", "Another text altogether"))
    assert first == again
    assert len(await newsroom.entries()) == 1


async def test_a_retry_gets_the_same_bytes_from_the_next_desk(newsroom: DeskHarness) -> None:
    for _ in range(3):
        await newsroom.submit("ann", new("k1"))
        async with newsroom.desk():
            await newsroom.settled("ann")
    receipts = await newsroom.receipts("ann")
    assert len(receipts) == 3
    assert len({stored.data for stored in receipts}) == 1
    assert len(await newsroom.entries()) == 1


async def test_a_key_is_known_from_the_log_after_its_receipt_was_deleted(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        first = await newsroom.ask("ann", new("k1"))
    await newsroom.redis.delete(newsroom.keys.receipts("ann"))
    async with newsroom.desk():
        again = await newsroom.ask("ann", new("k1"))
    assert again == first
    assert len(await newsroom.entries()) == 1


async def test_two_editors_may_use_the_same_key(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        receipts = [await newsroom.ask(editor, new("k1")) for editor in ("ann", "bob")]
    assert receipts[0].id != receipts[1].id


async def test_a_repeated_key_in_one_batch_makes_one_entry(newsroom: DeskHarness) -> None:
    await newsroom.submit("ann", new("k1"))
    await newsroom.submit("ann", new("k1"))
    async with newsroom.desk():
        first, again = await newsroom.settled("ann")
    assert first == again
    assert len(await newsroom.entries()) == 1


async def test_each_change_in_a_batch_applies_to_the_one_before_it(newsroom: DeskHarness) -> None:
    await newsroom.submit("ann", new("k1"))
    await newsroom.submit("ann", Submission(key="k2", change=Change.UPDATE, id="the-line", version=1, text="Two"))
    await newsroom.submit("ann", Submission(key="k3", change=Change.UPDATE, id="the-line", version=2, text="Three"))
    ids = iter(("the-line", "id-2", "id-3"))
    async with newsroom.desk(new_id=lambda: next(ids)):
        receipts = await newsroom.settled("ann")
    assert [(receipt.status, receipt.version) for receipt in receipts] == [(ReceiptStatus.ON_AIR, n) for n in (1, 2, 3)]


async def test_a_change_of_an_old_version_is_refused_with_the_latest_version(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        line_id = (await newsroom.ask("ann", new("k1"))).id
        await newsroom.ask("bob", Submission(key="k2", change=Change.UPDATE, id=line_id, version=1, text="Bob's"))
        stale = await newsroom.ask(
            "ann", Submission(key="k3", change=Change.UPDATE, id=line_id, version=1, text="Ann's")
        )
    assert (stale.status, stale.version, stale.errors[0].code) == (ReceiptStatus.REFUSED, 2, "stale")
    assert lines_of(await newsroom.entries())[-1] == "Bob's"


async def test_a_withdrawal_removes_the_text_from_the_line_but_not_from_the_log(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        line_id = (await newsroom.ask("ann", new("k1", "A rumour"))).id
        receipt = await newsroom.ask("ann", Submission(key="k2", change=Change.WITHDRAW, id=line_id, reason="Wrong"))
    first, last = await newsroom.entries()
    assert receipt.status is ReceiptStatus.ON_AIR
    assert (first.line.text, last.line.text, last.line.status) == ("A rumour", "", Status.CANCELED)


async def test_a_request_whose_deadline_passed_before_the_desk_started_is_late(newsroom: DeskHarness) -> None:
    await newsroom.submit_raw("ann", encode_request(new("k1")), "1000-0")
    async with newsroom.desk():
        (receipt,) = await newsroom.settled("ann")
    assert (receipt.status, receipt.key, receipt.errors[0].code) == (ReceiptStatus.LATE, "k1", "late")
    assert await newsroom.entries() == []


async def test_the_desks_deadline_limits_that_of_the_request(redis_url: str) -> None:
    newsroom = DeskHarness(redis_url, submission_deadline_s=1)
    minute_ago = await redis_ms(newsroom.redis) - 60_000
    await newsroom.submit_raw("ann", encode_request(new("k1", deadline_s=3600)), f"{minute_ago}-0")
    async with newsroom.desk():
        (receipt,) = await newsroom.settled("ann")
    await newsroom.aclose()
    assert receipt.status is ReceiptStatus.LATE


async def test_a_repeat_of_a_late_request_before_its_deadline_is_late(newsroom: DeskHarness) -> None:
    now = await redis_ms(newsroom.redis)
    await newsroom.submit_raw("ann", encode_request(new("k1", deadline_s=2)), f"{now - 4000}-0")
    await newsroom.submit_raw("ann", encode_request(new("k1", deadline_s=30)), f"{now - 3000}-0")
    async with newsroom.desk():
        receipts = await newsroom.settled("ann")
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.LATE, ReceiptStatus.LATE]


async def test_a_late_key_can_be_used_again_after_its_deadline(newsroom: DeskHarness) -> None:
    await newsroom.submit_raw("ann", encode_request(new("k1")), "1000-0")
    async with newsroom.desk():
        await newsroom.settled("ann")
    async with newsroom.desk():  # a desk that reads the receipts from Redis
        assert (await newsroom.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
        assert (await newsroom.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
    assert len(await newsroom.entries()) == 1


async def test_a_request_without_a_desk_is_never_published_after_its_deadline(newsroom: DeskHarness) -> None:
    after = await last_receipt_id(newsroom.redis, "en", "ann")
    stream_id = await newsroom.submit("ann", new("k1", deadline_s=0.05))
    assert await newsroom.receipt_after("ann", "k1", after, deadline_at_ms(stream_id, 0.05)) is None
    async with newsroom.desk():
        (receipt,) = await newsroom.settled("ann")
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
    newsroom: DeskHarness, data: bytes, code: str, key: str
) -> None:
    async with newsroom.desk() as state:
        await newsroom.submit_raw("ann", data)
        following = await newsroom.ask("ann", new("next"))
    refused = (await newsroom.receipts("ann"))[0].receipt
    assert (refused.status, refused.errors[0].code, refused.key) == (ReceiptStatus.REFUSED, code, key)
    assert following.status is ReceiptStatus.ON_AIR
    assert state.errors == 0


async def test_an_inbox_entry_without_the_field_is_refused(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        await newsroom.submit_raw("ann", b"x", field="nonsense")
        (receipt,) = await newsroom.settled("ann")
    assert receipt.status is ReceiptStatus.REFUSED


@pytest.mark.parametrize(
    "forged", ["18446744073709551615-18446744073709551615", "253402300800000-0", "9999999999999-7"]
)
async def test_an_id_from_the_future_is_late_and_resets_the_inbox(newsroom: DeskHarness, forged: str) -> None:
    await newsroom.submit_raw("ann", encode_request(new("k1")), forged)
    async with newsroom.desk():
        (receipt,) = await newsroom.settled("ann")
        anew = await newsroom.ask("ann", new("k2"))
        same_key = await newsroom.ask("ann", new("k1"))
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.LATE, "clock")
    assert anew.status is same_key.status is ReceiptStatus.ON_AIR
    assert [entry.key for entry in await newsroom.entries()] == ["k2", "k1"]


async def test_each_id_from_the_future_is_answered_once(newsroom: DeskHarness) -> None:
    for number in range(3):
        await newsroom.submit_raw("ann", encode_request(new(f"k{number}")), f"9999999999999-{number}")
    await newsroom.submit("bob", new("k1"))
    async with newsroom.desk():
        receipts = await newsroom.settled("ann", "bob")
        again = await newsroom.ask("ann", new("next"))
    assert [receipt.status for receipt in receipts] == [ReceiptStatus.LATE] * 3 + [ReceiptStatus.ON_AIR]
    assert again.status is ReceiptStatus.ON_AIR


async def test_a_flood_from_one_editor_does_not_delay_another(newsroom: DeskHarness) -> None:
    for number in range(10 * REQUESTS_PER_ROUND):
        await newsroom.submit("ann", new(f"k{number}"))
    await newsroom.submit("zoe", new("k"))
    async with newsroom.desk():
        await newsroom.settled("ann", "zoe")
    authors = [entry.editor for entry in await newsroom.entries()]
    assert authors.index("zoe") == 1
    assert len(authors) == 10 * REQUESTS_PER_ROUND + 1


async def test_a_round_reads_a_limited_number_of_requests_per_inbox(
    newsroom: DeskHarness,
) -> None:
    for number in range(5 * REQUESTS_PER_ROUND):
        await newsroom.submit("ann", new(f"k{number}"))
    rounds = 0

    def count_rounds() -> datetime:
        nonlocal rounds
        rounds += 1
        return datetime.now(UTC)

    async with newsroom.desk(clock=count_rounds):
        await newsroom.settled("ann")
    assert rounds >= 5


async def test_the_inbox_of_an_unregistered_editor_is_not_read(newsroom: DeskHarness) -> None:
    await newsroom.redis.xadd(newsroom.keys.inbox("eve"), {"submission": encode_request(new("k1"))})
    async with newsroom.desk():
        await newsroom.ask("ann", new("k1"))
    assert [entry.editor for entry in await newsroom.entries()] == ["ann"]
    assert await newsroom.redis.xlen(newsroom.keys.inbox("eve")) == 1


async def test_an_editor_with_an_invalid_name_is_ignored(newsroom: DeskHarness) -> None:
    await newsroom.redis.hset(newsroom.keys.editors, mapping={"../x": "", "": "", "a}b": "", b"\xff": ""})
    async with newsroom.desk() as state:
        assert (await newsroom.ask("ann", new("k1"))).status is ReceiptStatus.ON_AIR
    assert state.errors == 0


async def test_settled_requests_are_deleted_from_the_inbox(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        for number in range(5):
            await newsroom.ask("ann", new(f"k{number}"))
    assert await newsroom.redis.xlen(newsroom.keys.inbox("ann")) == 0


async def test_logs_and_receipts_are_trimmed(redis_url: str) -> None:
    newsroom = DeskHarness(redis_url, retained=10, receipts_retained=10)
    async with newsroom.desk():
        for number in range(400):
            await newsroom.submit("ann", new(f"k{number}"))
        await eventually(
            lambda: _is(newsroom.redis.hget(newsroom.keys.cursors, "ann"), last_of(newsroom)), "all are settled"
        )
        oldest = await newsroom.redis.xinfo_stream(newsroom.keys.log)
    verified = await verify_log(newsroom.redis, "en")
    async with newsroom.desk() as state:  # a desk that starts with a trimmed log
        receipt = await newsroom.ask("ann", new("next"))
    receipts = await newsroom.redis.xlen(newsroom.keys.receipts("ann"))
    await newsroom.aclose()
    assert oldest["last-generated-id"] == b"400-0"
    assert 10 <= verified.entries <= 110
    assert 10 <= receipts <= 111
    assert receipt.position is not None
    assert receipt.position.startswith("401-")
    assert state.fault is None


async def last_of(newsroom: DeskHarness) -> bytes:
    info: dict[str, Any] = await newsroom.redis.xinfo_stream(newsroom.keys.inbox("ann"))
    return bytes(info["last-generated-id"])


async def _is(left: Any, right: Any) -> bool:
    return bool(await left == await right)


async def test_a_flushed_log_starts_again(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        await newsroom.ask("ann", new("k1"))
        before = await load_edition(newsroom.redis, "en")
        await newsroom.redis.flushall()
        receipt = await newsroom.ask("ann", new("k2"))
    after = await load_edition(newsroom.redis, "en")
    assert receipt.position is not None
    assert receipt.position.startswith("1-")
    assert before is not None
    assert after is not None
    assert before.nonce != after.nonce
    assert [entry.key for entry in await newsroom.entries()] == ["k2"]


async def test_a_running_desk_continues_on_a_rotated_log(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        old = await newsroom.ask("ann", new("k1"))
        await rotate(newsroom.redis, "en", "ab" * 32)
        update = Submission(key="k2", change=Change.UPDATE, id=old.id, text="Of the old log")
        gone = await newsroom.ask("ann", update)
        receipt = await newsroom.ask("ann", new("k3"))
    assert (gone.status, gone.errors[0].code) == (ReceiptStatus.REFUSED, "unknown")
    assert [entry.key for entry in await newsroom.entries()] == ["k3"]
    assert receipt.status is ReceiptStatus.ON_AIR


async def test_nothing_is_appended_to_an_invalid_log_until_it_is_rotated(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        for number in range(4):
            await newsroom.ask("ann", new(f"k{number}"))
    await newsroom.forge_entry(3, lambda data: data.replace(b"Quake", b"Quack"))
    with pytest.raises(LinkError) as caught:
        await verify_log(newsroom.redis, "en")
    assert caught.value.seq == 3
    async with newsroom.desk() as state:
        assert "entry 3" in str(state.fault)
        await newsroom.submit_raw("bob", encode_request(new("k4")), "1000-0")
        (late,) = await newsroom.settled("bob")
        repeated = await newsroom.ask("ann", new("k0"))
        assert await newsroom.redis.xlen(newsroom.keys.log) == 4
        await rotate(newsroom.redis, "en", "ab" * 32)
        receipt = await newsroom.ask("ann", new("k5"))
        assert str(state.fault) == "None"
    assert (late.status, [finding.code for finding in late.errors]) == (ReceiptStatus.LATE, ["late", "log"])
    assert repeated.status is ReceiptStatus.ON_AIR
    assert receipt.status is ReceiptStatus.ON_AIR


async def test_a_log_with_a_missing_number_has_a_fault_even_if_every_link_matches(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        for number in range(2):
            await newsroom.ask("ann", new(f"k{number}"))
    (_, last) = await read_range(newsroom.redis, newsroom.keys.log)
    await newsroom.redis.xdel(newsroom.keys.log, "2-0")
    await newsroom.redis.xadd(newsroom.keys.log, {name.decode(): value for name, value in last[1].items()}, id="3-0")
    async with newsroom.desk() as state:
        assert "entry 2 is missing" in str(state.fault)


async def test_the_desk_updates_changed_settings_and_keeps_the_nonce(newsroom: DeskHarness) -> None:
    old = Settings().editions["ar"]
    await save_edition(newsroom.redis, "en", old, "ab" * 32)
    async with newsroom.desk():
        stored = await load_edition(newsroom.redis, "en")
    assert stored is not None
    assert stored.edition == newsroom.settings.editions["en"]
    assert stored.nonce == "ab" * 32


async def test_an_exception_in_the_rules_refuses_only_that_submission(newsroom: DeskHarness) -> None:
    async with newsroom.desk(new_id=Failing(1)) as state:
        failed = await newsroom.ask("ann", new("k1"))
        following = await newsroom.ask("ann", new("k2"))
    assert (failed.status, failed.errors[0].code) == (ReceiptStatus.REFUSED, "internal")
    assert following.status is ReceiptStatus.ON_AIR
    assert state.errors == 0


class Failing:
    """Returns ids, after a few failures."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.made = 0

    def __call__(self) -> str:
        self.times -= 1
        if self.times >= 0:
            raise ZeroDivisionError
        self.made += 1
        return f"line-{self.made}"


# Reading the inboxes in turn


def queues_of(*lengths: int) -> list[list[PendingRequest]]:
    return [[PendingRequest(f"e{number}", f"{place}-0") for place in range(n)] for number, n in enumerate(lengths)]


def test_the_first_request_of_each_inbox_comes_before_the_second_of_any() -> None:
    mixed = interleave(queues_of(3, 0, 1, 2))
    assert [(request.editor, request.id) for request in mixed] == [
        ("e0", "0-0"), ("e2", "0-0"), ("e3", "0-0"), ("e0", "1-0"), ("e3", "1-0"), ("e0", "2-0"),
    ]  # fmt: skip


@given(st.lists(st.integers(0, 6), max_size=6))
def test_no_request_is_lost_and_each_inbox_keeps_its_order(lengths: list[int]) -> None:
    queues = queues_of(*lengths)
    mixed = interleave(queues)
    kept = [[each for each in mixed if each.editor == f"e{number}"] for number in range(len(queues))]
    assert kept == queues
    assert len(mixed) == sum(lengths)
