"""Any data in an editor's inbox: the desk answers it, the log stays valid, and no other editor waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.counts import TRIED
from tests.hostile.inputs import FORGED, submissions
from tests.hostile.properties import check_decisions
from tests.support.desk_harness import DeskHarness, new
from tests.support.waiting import eventually
from ticker.core.errors import UNREADABLE
from ticker.core.submission import ReceiptStatus, encode_request
from ticker.desk.fair_queue import REQUESTS_PER_ROUND
from ticker.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
BOUNDS = Settings()


@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(("maha", "omar")), submissions()), min_size=1, max_size=8))
def test_every_submission_gets_a_receipt_and_the_inboxs_author(inbox: list[tuple[str, bytes]]) -> None:
    check_decisions(inbox)
    TRIED["hostile submissions"] += len(inbox)


@pytest_asyncio.fixture
async def newsroom(redis_url: str) -> AsyncIterator[DeskHarness]:
    newsroom = DeskHarness(redis_url, inbox_retained=500, submissions_per_minute=0)
    yield newsroom
    await newsroom.aclose()


async def test_a_running_desk_answers_everything_and_keeps_a_valid_log(newsroom: DeskHarness) -> None:
    inputs = list(dict.fromkeys(_examples()))
    async with newsroom.desk() as state:
        for start in range(0, len(inputs), 100):  # the inbox's limit is 500
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
    """Return 300 submissions, the same in each run."""
    found: list[bytes] = []

    @settings(max_examples=300, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(submissions())
    def collect(data: bytes) -> None:
        found.append(data)

    collect()
    return found


@pytest.mark.parametrize("field", FORGED)
async def test_a_field_that_only_the_desk_sets_is_refused(newsroom: DeskHarness, field: str) -> None:
    data = json.dumps({"key": "k1", "change": "new", "text": "A line", field: "omar"}).encode()
    async with newsroom.desk():
        await newsroom.submit_raw("maha", data)
        (receipt,) = await newsroom.settled("maha")
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "malformed")
    TRIED["hostile submissions"] += 1


async def test_fields_of_the_stream_entry_cannot_forge_the_author(newsroom: DeskHarness) -> None:
    fields: dict[Any, Any] = {"editor": "omar", "submission": encode_request(new("k1")), "seq": "99"}
    async with newsroom.desk():
        await newsroom.submit("maha", new("k0"))
        await newsroom.redis.xadd(newsroom.keys.inbox("maha"), {**fields, **dict.fromkeys(map(str, range(5000)), "x")})
        await newsroom.settled("maha")
    assert [(entry.editor, entry.key) for entry in await newsroom.entries()] == [("maha", "k0"), ("maha", "k1")]


async def test_a_megabyte_of_combining_marks_is_too_big(newsroom: DeskHarness) -> None:
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


async def test_a_flood_without_end_does_not_hold_up_another_editors_lines(newsroom: DeskHarness) -> None:
    """While another editor waits for a receipt, the desk settles only a few batches of the flood."""
    inbox = newsroom.keys.inbox("maha")
    async with newsroom.desk() as state:
        await newsroom.submit("maha", new("first"))
        await newsroom.ask("omar", new("before"))
        flood = asyncio.create_task(_flood(newsroom, inbox))
        await eventually(lambda: _has(newsroom, inbox, 300), "the flood is faster than the desk")
        waits = []
        for number in range(10):
            submitted = sum(state.outcomes.values())
            receipt = await newsroom.ask("omar", new(f"k{number}"))
            assert receipt.status is ReceiptStatus.ON_AIR
            waits.append(sum(state.outcomes.values()) - submitted)
            assert await _has(newsroom, inbox, REQUESTS_PER_ROUND), "the flood ended too early"
        flood.cancel()
        with suppress(asyncio.CancelledError):
            await flood
    # Submissions of the flood that were settled while the other editor waited, including the client's own latency.
    assert sorted(waits)[len(waits) // 2] <= 20 * REQUESTS_PER_ROUND, waits


async def _flood(newsroom: DeskHarness, inbox: str) -> None:
    """Submit as fast as one connection can: several thousand per second."""
    number = 0
    while True:
        pipe: Any = newsroom.redis.pipeline(transaction=False)
        for _ in range(200):
            number += 1
            pipe.xadd(inbox, {"submission": encode_request(new(f"f{number}", f"Flood {number}"))})
        await pipe.execute()
        TRIED["flooded submissions"] += 200


async def _has(newsroom: DeskHarness, inbox: str, least: int) -> bool:
    return bool(await newsroom.redis.xlen(inbox) >= least)


async def test_a_flooded_inbox_is_bounded_and_dropped_submissions_are_not_on_air(
    newsroom: DeskHarness,
) -> None:
    for number in range(2_000):
        await newsroom.submit_raw("maha", encode_request(new(f"k{number}")))
    async with newsroom.desk() as state:
        await newsroom.settled("maha")
        assert (await newsroom.ask("omar", new("k"))).status is ReceiptStatus.ON_AIR
    assert state.dropped == 1_500
    keys = [entry.key for entry in await newsroom.entries() if entry.editor == "maha"]
    assert keys == [f"k{number}" for number in range(1_500, 2_000)]


def test_unreadable_covers_the_three_errors_of_msgspec() -> None:
    """The desk catches these errors at its boundary. Any other would end it."""
    assert {error.__name__ for error in UNREADABLE} == {"MsgspecError", "UnicodeError", "RecursionError"}
