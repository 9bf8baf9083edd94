"""The desk's metrics and health checks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from tests.support.desk_harness import DeskHarness, NewHarness, new, soon
from tests.support.strategies import ENGLISH
from tests.support.waiting import WAIT_S, eventually
from ticker.core.edition import Role, SecondPerson
from ticker.core.rules.effects import HOUSE_RULES
from ticker.core.submission import ReceiptStatus
from ticker.desk.desk import DeskState, run_desk
from ticker.desk.metrics import DeskCollector, make_app
from ticker.desk.state import EditionState
from ticker.http_server import bind, serve
from ticker.metrics.registry import make_registry
from ticker.store.streams import redis_ms

STRICT = msgspec.structs.replace(ENGLISH, second_person=(SecondPerson.FLASH,))


@asynccontextmanager
async def watched(harness: DeskHarness) -> AsyncIterator[httpx.AsyncClient]:
    """Run a desk with its HTTP port, and return a client of it."""
    state, listener = DeskState(), bind("127.0.0.1", 0, option="--metrics")
    tasks = [
        asyncio.create_task(serve(make_app(state, harness.settings.held), listener)),
        asyncio.create_task(run_desk(harness.connector, harness.settings, state=state)),
    ]
    try:
        await asyncio.wait_for(state.ready.wait(), WAIT_S)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            yield client
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def samples(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels."""
    text = (await client.get("/metrics")).text
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def assert_metrics(client: httpx.AsyncClient, expected: Mapping[tuple[str, ...], float]) -> None:
    """Wait until the metrics have these samples. Editors may get a receipt before the desk counts it."""
    found: dict[tuple[str, ...], float | None] = {}

    async def is_as_expected() -> bool:
        current = await samples(client)
        found.update({name: current.get(name) for name in expected})
        return found == expected

    with suppress(AssertionError):  # the comparison below shows the difference
        await eventually(is_as_expected, "the metrics are as expected")
    assert found == expected


async def test_settled_refused_and_held_requests_are_counted(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, like=STRICT, held=1, held_per_editor=1)
    await harness.set_roles(ann=Role.EDITOR, carla=Role.CHIEF)
    async with watched(harness) as client:
        await harness.ask("ann", new("k1"))
        await harness.ask("ann", new("k1"))
        assert (await harness.ask("ann", new("k2", "Ceasefire holds", urgency=1))).status is ReceiptStatus.HELD
        assert [each.code for each in (await harness.ask("ann", new("k3", "Polls close", urgency=1))).errors] == [
            "held"
        ]
        await harness.submit_raw("ann", b"nonsense")
        await harness.settled("ann")
        expected: dict[tuple[str, ...], float] = {
            ("ticker_desk_accepting", "en"): 1,
            ("ticker_desk_fault", "en"): 0,
            ("ticker_desk_held", "en", "approval"): 1,
            ("ticker_desk_held", "en", "scheduled"): 0,
            ("ticker_desk_held_max",): 1,
            ("ticker_desk_entries_total", "en"): 1,
            ("ticker_desk_head", "en"): 1,
            ("ticker_desk_limit_hits_total", "en", "held"): 1,
            ("ticker_desk_findings_total", "en", "review", "flash"): 1,
            ("ticker_desk_repeated_total", "en"): 1,
            ("ticker_desk_settled_total", "en", "on-air"): 2,
            ("ticker_desk_settled_total", "en", "held"): 1,
            ("ticker_desk_settled_total", "en", "refused"): 2,
            ("ticker_desk_refused_total", "held", "en"): 1,
            ("ticker_desk_refused_total", "malformed", "en"): 1,
            ("ticker_desk_break_glass_total", "en"): 0,
        }
        await assert_metrics(client, expected)


async def test_a_break_glass_is_counted(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, like=STRICT)
    await harness.set_roles(carla=Role.CHIEF)
    async with watched(harness) as client:
        receipt = await harness.ask("carla", new("k1", urgency=1, break_glass="Nobody else is here"))
        assert receipt.status is ReceiptStatus.ON_AIR
        await assert_metrics(client, {("ticker_desk_break_glass_total", "en"): 1})


async def test_dropped_requests_and_overdue_items_are_counted(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, inbox_retained=2, overdue_after_s=0.2)
    async with harness.desk() as state:
        at = await soon(harness)
        receipt = await harness.ask("ann", new("k0", "Later", publish_at=at))
        assert receipt.status is ReceiptStatus.HELD

        async def is_counted() -> bool:
            return state.held == 1

        await eventually(is_counted, "it is counted")  # the receipt may come first

    async def is_long_past() -> bool:
        return await redis_ms(harness.redis) > 1000 * at.timestamp() + 300

    await eventually(is_long_past, "its time has passed")
    for number in range(5):
        await harness.submit("ann", new(f"k{number + 1}", f"Line {number}"))
    async with watched(harness) as client:
        await harness.settled("ann")
        await assert_metrics(client, {("ticker_desk_dropped_total", "en"): 3, ("ticker_desk_overdue_total", "en"): 1})
    assert {receipt.status for receipt in await harness.settled("ann")} == {ReceiptStatus.HELD, ReceiptStatus.ON_AIR}


async def test_readiness_reports_a_fault(harness: DeskHarness) -> None:
    async with watched(harness) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["editions"]) == (200, {"en": {"accepting": True, "fault": None}})
        await harness.ask("ann", new("k1"))
        await harness.redis.delete(harness.keys.log)
        await harness.redis.xadd(harness.keys.log, {"entry": "forged", "link": "00" * 32}, id="1-0")

        async def is_not_ready() -> bool:
            return (await client.get("/readyz")).status_code == 503

        await eventually(is_not_ready, "the desk is not ready")
        assert "doesn't link" in (await client.get("/readyz")).json()["editions"]["en"]["fault"]
        assert (await samples(client))["ticker_desk_fault", "en"] == 1


async def test_lines_that_are_known_only_because_they_show_are_counted(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, like=STRICT, retained=1)
    async with watched(harness) as client:
        for number in range(4):
            await harness.ask("ann", new(f"k{number}", f"Line number {number} of this test"))
        await assert_metrics(client, {("ticker_desk_kept_lines", "en"): 3})


def test_refusals_and_findings_count_from_zero_for_every_rule_and_limit() -> None:
    """Prometheus sees no increase in a series that begins with its first event."""
    state = DeskState()
    state.editions["en"] = EditionState(findings=Counter({("duplicate", "refuse"): 2}), refused=Counter(empty=1))
    registry = make_registry("desk", [DeskCollector(state, 1)])
    counted = {
        tuple(sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name in ("ticker_desk_refused_total", "ticker_desk_findings_total")
    }
    for rule in HOUSE_RULES:
        assert counted["en", rule] == 0
        assert counted["en", rule, "warn"] == counted["en", rule, "overridden"] == 0
    assert counted["en", "log"] == counted["en", "rate"] == counted["en", "flash", "review"] == 0
    assert counted["en", "duplicate", "refuse"] == 2
    assert counted["en", "empty"] == 1
