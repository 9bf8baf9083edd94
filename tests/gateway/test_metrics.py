"""The metrics of a hub."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from collections import Counter
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway_clients import Reader
from tests.support.log_writer import LogWriter
from tests.support.programs import program
from tests.support.waiting import eventually
from ticker.core.log_window import Reset
from ticker.desk.desk import DeskState
from ticker.desk.metrics import DeskCollector
from ticker.desk.state import EditionState
from ticker.gateway.hub import STALL_BOUNDS_S, Hub
from ticker.gateway.metrics import COUNTED, make_registry
from ticker.gateway.problems import PROBLEMS
from ticker.gateway.server import Gateway
from ticker.posting.app import Posting
from ticker.posting.inboxes import Inboxes
from ticker.posting.metrics import PostingCollector
from ticker.relay.metrics import RelayCollector
from ticker.settings import Settings


def scrape(registry: object) -> dict[str, float]:
    """Return the samples of the loop's histogram, by name and bucket."""
    text = generate_latest(registry).decode()  # type: ignore[arg-type]
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name.startswith("ticker_loop_stall_seconds")
    }


def make_hub() -> Hub:
    return Hub(Settings(), 1024, lambda: datetime.now(UTC), lambda: 0.0)


def test_two_scrapers_see_the_same_stalls() -> None:
    hub = make_hub()
    registry = make_registry(hub)
    hub.loop_stalls.observe(0.4)
    hub.loop_stalls.observe(0.001)
    first, second = scrape(registry), scrape(registry)
    assert first == second
    assert first["ticker_loop_stall_seconds_bucket0.3"] == 1
    assert first["ticker_loop_stall_seconds_bucket0.5"] == 2
    assert first["ticker_loop_stall_seconds_bucket+Inf"] == first["ticker_loop_stall_seconds_count"] == 2


def test_delay_is_counted_in_the_first_bucket_that_holds_it() -> None:
    hub = make_hub()
    for delay_s in (0.0, STALL_BOUNDS_S[0], 0.4, 100.0):
        hub.loop_stalls.observe(delay_s)
    samples = scrape(make_registry(hub))
    assert samples["ticker_loop_stall_seconds_bucket0.001"] == 2
    assert samples["ticker_loop_stall_seconds_bucket0.3"] == 2
    assert samples["ticker_loop_stall_seconds_bucket0.5"] == 3
    assert samples["ticker_loop_stall_seconds_bucket5.0"] == 3
    assert samples["ticker_loop_stall_seconds_bucket+Inf"] == 4
    assert samples["ticker_loop_stall_seconds_sum"] == pytest.approx(100.401)


def test_histogram_has_no_created_series() -> None:
    assert not [name for name in scrape(make_registry(make_hub())) if name.endswith("_created")]


async def test_loop_is_measured_until_cancelled() -> None:
    hub = make_hub()
    registry = make_registry(hub)
    watching = asyncio.create_task(hub.watch_loop())
    await eventually(lambda: scrape(registry)["ticker_loop_stall_seconds_count"] > 1, "the loop is measured")
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_promtool_finds_nothing_in_the_metrics(gateway: Gateway, log: LogWriter) -> None:
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        await log.post("one")
        await reader.until_at(log.head)
        gateway.hub.admission.refused["full"] += 1
        state = DeskState()
        state.editions["en"] = EditionState(refused=Counter(rate=1), findings=Counter({("duplicate", "warn"): 2}))
        posting = PostingCollector(Posting(Inboxes("redis://127.0.0.1", 1, 1), 1, "0"), 1)
        registry = make_registry(gateway.hub, [DeskCollector(state, 1), RelayCollector([]), posting])
        promtool = program("prometheus").with_name("promtool")
        checking = await asyncio.create_subprocess_exec(
            promtool, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT
        )
        output, _ = await checking.communicate(generate_latest(registry))
    assert (checking.returncode, output.decode()) == (0, "")


def test_refusals_count_from_zero_for_every_code() -> None:
    """Prometheus sees no increase in a series that begins with its first event."""
    text = generate_latest(make_registry(make_hub())).decode()
    refused = {line for line in text.splitlines() if line.startswith("ticker_refused_total{")}
    assert refused == {f'ticker_refused_total{{code="{code}"}} 0.0' for code in COUNTED}
    unanswered = {"connections"}  # no file is left to answer with
    assert {"full", "token-expired", "status-guesses"} <= set(COUNTED) - unanswered <= PROBLEMS.keys()


async def test_resets_count_from_zero_for_every_reason(gateway: Gateway) -> None:
    """Prometheus sees no increase in a series that begins with its first event."""
    text = generate_latest(make_registry(gateway.hub)).decode()
    resets = {line for line in text.splitlines() if line.startswith("ticker_resets_total{")}
    assert resets == {f'ticker_resets_total{{edition="en",reason="{reason}"}} 0.0' for reason in Reset}
