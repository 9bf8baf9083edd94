"""Whoever holds an editor's key puts anything into its inbox: the desk answers, the log stays whole, nobody waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.inputs import FORGED, submissions
from tests.hostile.tally import TRIED
from tests.support.desk_harness import Newsroom, new
from tests.support.strategies import ENGLISH
from tests.support.waiting import eventually
from ticker.core.errors import UNREADABLE
from ticker.core.submission import ReceiptStatus, decode_receipt, encode_request
from ticker.desk.ledger import Ledger
from ticker.desk.plan import PendingRequest, PlanContext
from ticker.desk.planner import plan_requests
from ticker.desk.worker import REQUESTS_PER_ROUND
from ticker.settings import Settings
from ticker.store.editions import StoredEdition

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
BOUNDS = Settings()


@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(("maha", "omar")), submissions()), min_size=1, max_size=8))
def test_every_submission_is_decided_and_names_the_owner_of_its_inbox(found: list[tuple[str, bytes]]) -> None:
    check_decisions(found)
    TRIED["hostile submissions"] += len(found)


def check_decisions(found: Sequence[tuple[str, bytes]]) -> None:
    """Each gets a receipt of a bounded size; what goes on air has the inbox's owner and the desk's own times."""
    ledger = Ledger(StoredEdition("en", ENGLISH, "5e" * 32), 100, 100)
    ledger.redis_ms = NOW_MS
    ids = iter(f"line{number}" for number in range(10_000))
    context = PlanContext(
        now=NOW,
        redis_now=NOW,
        new_id=lambda: next(ids),
        submission_bytes=BOUNDS.submission_bytes,
        deadline_s=BOUNDS.submission_deadline_s,
        held_max=BOUNDS.held,
        overdue_after_s=BOUNDS.overdue_after_s,
    )
    batch = [PendingRequest(editor, f"{NOW_MS}-{number}", data) for number, (editor, data) in enumerate(found)]
    planned = plan_requests(ledger, batch, context)
    assert [item.request for item in planned] == batch
    for item in planned:
        assert item.failure is None, item.failure
        receipt = decode_receipt(item.receipt)
        assert len(item.receipt) < 4 * BOUNDS.submission_bytes
        assert receipt.key == item.answers[0].key
        assert receipt.status is item.status
        if item.logged is not None:
            entry = item.logged.entry
            assert entry.editor == item.editor
            assert (entry.line.updated_at, entry.submitted_at) == (NOW, NOW)
        item.apply_to(ledger)


@pytest_asyncio.fixture
async def newsroom(redis_url: str) -> AsyncIterator[Newsroom]:
    room = Newsroom(redis_url, inbox_retained=500)
    yield room
    await room.aclose()


async def test_a_running_desk_answers_everything_and_its_log_stays_whole(newsroom: Newsroom) -> None:
    inputs = list(dict.fromkeys(_examples()))
    async with newsroom.desk() as state:
        for start in range(0, len(inputs), 100):  # its bound is 500
            for data in inputs[start : start + 100]:
                await newsroom.submit_raw("maha", data)
            await newsroom.settled("maha")
        receipt = await newsroom.ask("omar", new("after"))
    assert receipt.status is ReceiptStatus.ON_AIR
    assert state.errors == 0
    assert state.fault is None
    assert len(await newsroom.receipts("maha")) == len(inputs)
    assert {entry.editor for entry in await newsroom.entries()} <= {"maha", "omar"}
    TRIED["hostile submissions"] += len(inputs)


def _examples() -> list[bytes]:
    """Three hundred, the same at each run."""
    found: list[bytes] = []

    @settings(max_examples=300, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(submissions())
    def collect(data: bytes) -> None:
        found.append(data)

    collect()
    return found


@pytest.mark.parametrize("field", FORGED)
async def test_what_only_the_desk_says_is_refused_from_an_editor(newsroom: Newsroom, field: str) -> None:
    data = json.dumps({"key": "k1", "change": "new", "text": "A line", field: "omar"}).encode()
    async with newsroom.desk():
        await newsroom.submit_raw("maha", data)
        (receipt,) = await newsroom.settled("maha")
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "malformed")
    TRIED["hostile submissions"] += 1


async def test_fields_of_the_stream_say_nothing_about_the_author(newsroom: Newsroom) -> None:
    fields: dict[Any, Any] = {"editor": "omar", "submission": encode_request(new("k1")), "seq": "99"}
    async with newsroom.desk():
        await newsroom.submit("maha", new("k0"))
        await newsroom.redis.xadd(newsroom.keys.inbox("maha"), {**fields, **dict.fromkeys(map(str, range(5000)), "x")})
        await newsroom.settled("maha")
    assert [(entry.editor, entry.key) for entry in await newsroom.entries()] == [("maha", "k0"), ("maha", "k1")]


async def test_a_megabyte_of_combining_marks_is_too_big(newsroom: Newsroom) -> None:
    text = "e" + "\u0301" * 500_000
    data = json.dumps({"key": "k1", "change": "new", "text": text}, ensure_ascii=False).encode()
    async with newsroom.desk():
        for number in range(20):
            await newsroom.submit_raw("maha", data)
            await newsroom.submit("omar", new(f"k{number}"))
        receipts = await newsroom.settled("maha", "omar")
    codes = [finding.code for receipt in receipts for finding in receipt.errors]
    assert codes == ["too-big"] * 20
    assert len(await newsroom.entries()) == 20


async def test_a_flood_without_end_does_not_hold_up_another_editors_lines(newsroom: Newsroom) -> None:
    """Between another's submission and its receipt, the desk takes a few turns of the flood, however much waits."""
    inbox = newsroom.keys.inbox("maha")
    async with newsroom.desk() as state:
        await newsroom.submit("maha", new("first"))
        await newsroom.ask("omar", new("before"))
        flood = asyncio.create_task(_flood(newsroom, inbox))
        await eventually(lambda: _has(newsroom, inbox, 300), "the flood is more than the desk takes")
        waits = []
        for number in range(10):
            submitted = sum(state.outcomes.values())
            receipt = await newsroom.ask("omar", new(f"k{number}"))
            assert receipt.status is ReceiptStatus.ON_AIR
            waits.append(sum(state.outcomes.values()) - submitted)
            assert await _has(newsroom, inbox, REQUESTS_PER_ROUND), "the flood has ended too early to prove anything"
        flood.cancel()
        with suppress(asyncio.CancelledError):
            await flood
    # What was settled, besides its own, while the CLI's own way there and back took its time, too.
    assert sorted(waits)[len(waits) // 2] <= 20 * REQUESTS_PER_ROUND, waits


async def _flood(newsroom: Newsroom, inbox: str) -> None:
    """As fast as one connection can: several thousand a second."""
    number = 0
    while True:
        pipe: Any = newsroom.redis.pipeline(transaction=False)
        for _ in range(200):
            number += 1
            pipe.xadd(inbox, {"submission": encode_request(new(f"f{number}", f"Flood {number}"))})
        await pipe.execute()
        TRIED["flooded submissions"] += 200


async def _has(newsroom: Newsroom, inbox: str, least: int) -> bool:
    return bool(await newsroom.redis.xlen(inbox) >= least)


async def test_an_inbox_that_is_flooded_is_bounded_and_those_that_went_are_certainly_not_on_air(
    newsroom: Newsroom,
) -> None:
    for number in range(2_000):
        await newsroom.submit_raw("maha", encode_request(new(f"k{number}")))
    async with newsroom.desk() as state:
        await newsroom.settled("maha")
        assert (await newsroom.ask("omar", new("k"))).status is ReceiptStatus.ON_AIR
    assert state.dropped == 1_500
    keys = [entry.key for entry in await newsroom.entries() if entry.editor == "maha"]
    assert keys == [f"k{number}" for number in range(1_500, 2_000)]


def test_what_msgspec_can_not_read_is_one_of_three_errors() -> None:
    """The boundary catches these: one that were missing would end the desk."""
    assert {error.__name__ for error in UNREADABLE} == {"MsgspecError", "UnicodeError", "RecursionError"}
