"""The metrics of a hub."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ticker.gateway.hub import Hub
from ticker.gateway.metrics import make_registry
from ticker.settings import Settings


def scrape(registry: object) -> dict[str, float]:
    """Return the samples of the loop's histogram, by name and bucket."""
    text = generate_latest(registry).decode()  # type: ignore[arg-type]
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name == "ticker_loop_stall_seconds"
    }


def test_two_scrapers_see_the_same_stalls() -> None:
    hub = Hub(Settings(), 1024, lambda: datetime.now(UTC), lambda: 0.0)
    registry = make_registry(hub)
    hub.loop_stalls.add(0.4)
    hub.loop_stalls.add(0.001)
    first, second = scrape(registry), scrape(registry)
    assert first == second
    assert first["ticker_loop_stall_seconds_bucket0.3"] == 1
    assert first["ticker_loop_stall_seconds_bucket0.5"] == 2
    assert first["ticker_loop_stall_seconds_bucket+Inf"] == first["ticker_loop_stall_seconds_count"] == 2
