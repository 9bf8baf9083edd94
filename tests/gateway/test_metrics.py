"""The metrics of a hub."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.waiting import eventually
from ticker.gateway.hub import STALL_BOUNDS_S, Hub
from ticker.gateway.metrics import make_registry
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
