"""Each request is settled exactly once, even if a desk is killed, loses replies, or runs next to another desk."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisClusterException

from tests.support.desk_harness import DeskHarness, FailingConnector, NewHarness, new
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core.line import Change
from ticker.core.position import Position
from ticker.core.submission import DEADLINE_MAX_S, ReceiptStatus, Submission, encode_request
from ticker.desk.state import EditionState
from ticker.desk.worker import EditionDesk
from ticker.store.editors import register
from ticker.store.inbox import submit
from ticker.store.log_reader import read_log, verify_log

ROOT = Path(__file__).parents[2]
EDITORS = ("ann", "bob", "cleo")


class Killed(BaseException):
    """Ends the desk like a killed process: no code of the desk catches it."""


async def test_an_unreachable_cluster_is_logged_as_an_interruption(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url)
    breaking = FailingConnector(redis_url, 3, after=False, error=RedisClusterException("no node can be reached"))
    with structlog.testing.capture_logs() as told:
        async with harness.desk(breaking):
            await harness.ask("ann", new("k1"))
    assert [event["event"] for event in told if event["log_level"] != "info"] == ["redis-interrupted"]
    assert "redis-recovered" in [event["event"] for event in told]


async def assert_each_is_settled_once(harness: DeskHarness, editors: Sequence[str], keys: int) -> None:
    """Check that every request has one receipt, and that its position is that of its entry."""
    entries = await harness.entries()
    assert sorted((entry.editor, entry.key) for entry in entries) == sorted(
        (editor, f"k{number}") for editor in editors for number in range(keys)
    )
    raw = await read_log(harness.redis, harness.edition, 0, 100_000)
    positions = {
        (entry.editor, entry.key): str(Position.of(at.seq, at.link)) for entry, at in zip(entries, raw, strict=True)
    }
    for editor in editors:
        receipts = await harness.receipts(editor)
        assert len({stored.submission for stored in receipts}) == len(receipts) == keys
        for stored in receipts:
            assert stored.receipt.position == positions[editor, stored.receipt.key]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_desk_killed_at_any_step_settles_each_request_once(
    redis_url: str, after: bool, new_harness: NewHarness
) -> None:
    steps_until_settled = 40
    for at in range(1, steps_until_settled):
        harness = new_harness(redis_url, f"e{at}")
        for editor in EDITORS:
            for number in range(3):
                await harness.submit(editor, new(f"k{number}"))
        breaking = FailingConnector(redis_url, at, after=after, error=Killed())
        desk = EditionDesk(harness.edition, breaking, harness.settings, EditionState())
        task = asyncio.create_task(_ends(desk))
        finished = asyncio.create_task(harness.settled(*EDITORS))
        await asyncio.wait([task, finished], return_when=asyncio.FIRST_COMPLETED)
        is_killed = task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with harness.desk():
            await finished
        await assert_each_is_settled_once(harness, EDITORS, 3)
        if not is_killed:
            assert at > 10, "the desk takes more steps than that"
            return
    pytest.fail("the desk was still being killed: raise the number of steps")


async def _ends(desk: EditionDesk) -> None:
    try:
        await desk.run()
    except Killed:  # a BaseException in a task would end the event loop
        return


@pytest.mark.parametrize(
    "error",
    [RedisConnectionError("lost"), ReadOnlyError("READONLY"), OSError("broken pipe")],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_desk_recovers_from_the_loss_of_any_reply(
    redis_url: str, after: bool, error: Exception, new_harness: NewHarness
) -> None:
    for at in range(1, 18):
        harness = new_harness(redis_url, f"e{at}")
        for number in range(3):
            await harness.submit("ann", new(f"k{number}"))
        async with harness.desk(FailingConnector(redis_url, at, after=after, error=error)):
            await harness.settled("ann")
        await assert_each_is_settled_once(harness, ["ann"], 3)


async def test_two_desks_settle_each_request_once(harness: DeskHarness) -> None:
    keys = 60

    async def write(editor: str) -> None:
        for number in range(keys):
            await harness.submit(editor, new(f"k{number}"))

    async with AsyncExitStack() as desks:
        states = [await desks.enter_async_context(harness.desk()) for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            for editor in EDITORS:
                group.create_task(write(editor))
        await harness.settled(*EDITORS)
        await assert_each_is_settled_once(harness, EDITORS, keys)
        assert sum(state.moved for state in states) > 0
        assert sum(state.errors for state in states) == 0


async def test_a_second_desk_knows_the_answers_of_the_first(harness: DeskHarness) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        await first.enter_async_context(harness.desk())
        await stack.enter_async_context(harness.desk())
        line = await harness.ask("ann", new("k1"))
        ahead = Submission(key="k2", change=Change.UPDATE, id=line.id, version=2, text="A")
        refused = await harness.ask("ann", ahead)
        await harness.ask("bob", Submission(key="k3", change=Change.UPDATE, id=line.id, version=1, text="B"))
        await first.aclose()
        assert await harness.ask("ann", new("k1")) == line
        assert refused.status is ReceiptStatus.REFUSED
        assert await harness.ask("ann", ahead) == refused  # although the change would be valid now
        update = await harness.ask("bob", Submission(key="k4", change=Change.UPDATE, id=line.id, version=2, text="C"))
    assert update.version == 3


@pytest.mark.faults
async def test_a_server_killed_under_load_keeps_every_acknowledged_line(
    harness: DeskHarness, redis_server: RedisServer
) -> None:
    acknowledged: list[str] = []

    async def write(editor: str) -> None:
        for number in range(10_000):
            try:
                receipt = await harness.ask(editor, new(f"k{number}"))
            except (RedisConnectionError, OSError):
                return
            assert receipt.position is not None
            acknowledged.append(receipt.position)

    async with harness.desk():
        writers = [asyncio.create_task(write(editor)) for editor in EDITORS]
        await eventually(lambda: _true(len(acknowledged) >= 60), "lines are acknowledged")
        redis_server.kill()
        await asyncio.gather(*writers)
        redis_server.start()
        receipt = await harness.ask("dora", new("k1"))
    assert receipt.status is ReceiptStatus.ON_AIR
    await verify_log(harness.redis, "en")
    kept = {str(Position.of(raw.seq, raw.link)) for raw in await read_log(harness.redis, "en", 0, 100_000)}
    assert set(acknowledged) <= kept


@pytest.mark.faults
async def test_a_desk_process_killed_at_random_settles_each_request_once(harness: DeskHarness) -> None:
    keys, kills = 400, 5
    # No deadline may pass on a busy machine.
    harness.settings = msgspec.structs.replace(harness.settings, submission_deadline_s=DEADLINE_MAX_S)
    chance = random.Random(20261124)

    async def write(editor: str) -> None:
        await register(harness.redis, "en", editor)
        for number in range(keys):
            await submit(harness.redis, "en", editor, new(f"k{number}", deadline_s=DEADLINE_MAX_S))

    async def settled() -> int:
        return sum([await harness.redis.xlen(harness.keys.receipts(editor)) for editor in EDITORS])

    writers = [asyncio.create_task(write(editor)) for editor in EDITORS]
    for _ in range(kills):
        process = _desk_process(harness.url)
        try:
            goal = await settled() + chance.randint(1, len(EDITORS) * keys // kills // 2)

            async def has_settled_more(goal: int = goal) -> bool:
                return await settled() >= goal

            await eventually(has_settled_more, "the desk settles more requests")
        finally:
            process.kill()
            process.wait()
    await asyncio.gather(*writers)
    async with harness.desk():
        await harness.settled(*EDITORS)
    await assert_each_is_settled_once(harness, EDITORS, keys)


def _desk_process(url: str) -> subprocess.Popen[bytes]:
    """Start a desk in a process of its own."""
    program = (
        "import asyncio, functools, sys\n"
        "from tests.support.strategies import ENGLISH\n"
        "from ticker.desk.desk import run_desk\n"
        "from ticker.settings import Settings\n"
        "from ticker.store.connection import connect\n"
        f"settings = Settings(editions={{'en': ENGLISH}}, submission_deadline_s={DEADLINE_MAX_S})\n"
        "asyncio.run(run_desk(functools.partial(connect, sys.argv[1], role='desk'), settings))\n"
    )
    return subprocess.Popen([sys.executable, "-c", program, url], cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL)


async def _true(value: bool) -> bool:
    return value


class DrawnRequest(msgspec.Struct, frozen=True):
    """One drawn submission. `target` selects a published line. Keys may repeat."""

    editor: str
    key: int
    change: Change
    target: int
    version: int | None
    text: str
    garbage: bytes | None


requests = st.builds(
    DrawnRequest,
    editor=st.sampled_from(EDITORS),
    key=st.integers(0, 30),
    change=st.sampled_from([Change.NEW] * 5 + list(Change)),
    target=st.integers(0, 5),
    version=st.none() | st.integers(1, 3),
    text=st.sampled_from(["A line", "Spokesman: another line", "سطر آخر", "", "x" * 200]),
    garbage=st.none() | st.none() | st.none() | st.binary(max_size=30),
)


def _bytes_of(drawn: DrawnRequest) -> bytes:
    rewrites = drawn.change in (Change.NEW, Change.UPDATE, Change.REFILE, Change.CORRECT)
    submission = Submission(
        key=f"k{drawn.key}",
        change=drawn.change,
        id=None if drawn.change is Change.NEW else f"line-{drawn.target}",
        version=None if drawn.change is Change.NEW else drawn.version,
        reason="It was wrong" if drawn.change in (Change.CORRECT, Change.WITHDRAW) else None,
    )
    if rewrites:
        submission = msgspec.structs.replace(submission, text=drawn.text)
    return encode_request(submission) if drawn.garbage is None else drawn.garbage


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(requests, max_size=40), killed_at=st.none() | st.integers(1, 30), desks=st.integers(1, 2))
async def test_any_requests_leave_a_valid_log_with_each_acknowledged_line_once(
    redis_url: str, drawn: list[DrawnRequest], killed_at: int | None, desks: int, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url)
    await harness.redis.flushall()
    for each in drawn:
        await harness.submit_raw(each.editor, _bytes_of(each))
    ids = iter(range(1000))
    line_id = lambda: f"line-{next(ids)}"  # noqa: E731
    if killed_at is not None:
        breaking = FailingConnector(redis_url, killed_at, after=True, error=RedisConnectionError("lost"))
        async with harness.desk(breaking, new_id=line_id):
            await harness.settled(*EDITORS)
    async with AsyncExitStack() as stack:
        for _ in range(desks):
            await stack.enter_async_context(harness.desk(new_id=line_id))
        await harness.settled(*EDITORS)

    verified = await verify_log(harness.redis, "en")
    entries = await harness.entries()
    raw = await read_log(harness.redis, "en", 0, 1000)
    positions = {str(Position.of(at.seq, at.link)): entry for at, entry in zip(raw, entries, strict=True)}
    stored = [(editor, receipt) for editor in EDITORS for receipt in await harness.receipts(editor)]

    assert len(stored) == len(drawn)
    assert verified.entries == len(entries)
    assert max(Counter((entry.editor, entry.key) for entry in entries).values(), default=1) == 1
    for editor, receipt in stored:
        if receipt.receipt.status is ReceiptStatus.ON_AIR:
            entry = positions[str(receipt.receipt.position)]
            assert (entry.editor, entry.key, entry.line.id) == (editor, receipt.receipt.key, receipt.receipt.id)
    on_air = {(editor, receipt.receipt.key) for editor, receipt in stored if receipt.receipt.position is not None}
    assert on_air == {(entry.editor, entry.key) for entry in entries}
