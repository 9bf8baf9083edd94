"""One outage is one warning, one line at its end, and a counter."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from ticker.outages import Outages


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_many_failures_of_redis_are_one_warning_and_a_counter() -> None:
    clock = Clock()
    outages = Outages(clock=clock)
    with capture_logs() as events:
        for attempt in range(20):
            for edition in ("en", "ar", "es"):
                outages.fail("desk", edition, f"ConnectionError: attempt {attempt}", is_redis=True)
                outages.fail("feed", edition, "TimeoutError", is_redis=True)
        clock.now += 7.25
        for part in ("desk", "feed"):
            for edition in ("en", "ar", "es"):
                outages.recover(part, edition)
    assert [(event["event"], event["log_level"]) for event in events] == [
        ("redis-interrupted", "warning"),
        ("redis-recovered", "info"),
    ]
    assert events[0]["reason"] == "ConnectionError: attempt 0"
    assert (events[1]["failures"], events[1]["lasted_s"]) == (120, 7.2)
    assert outages.failures == 120


def test_the_end_is_logged_when_the_last_part_works() -> None:
    outages = Outages()
    outages.fail("desk", "en", "gone", is_redis=True)
    outages.fail("desk", "ar", "gone", is_redis=True)
    with capture_logs() as events:
        outages.recover("desk", "en")
        outages.recover("desk", "en")
        assert events == []
        outages.recover("desk", "ar")
    assert names(events) == ["redis-recovered"]


def test_a_part_that_never_failed_logs_nothing() -> None:
    with capture_logs() as events:
        Outages().recover("desk", "en")
    assert events == []


def test_another_reason_of_one_part_is_an_outage_of_its_own() -> None:
    outages = Outages()
    with capture_logs() as events:
        outages.fail("feed", "ar", "entry 3 doesn't link", is_redis=False)
        outages.fail("feed", "ar", "entry 3 doesn't link", is_redis=False)
        outages.fail("feed", "en", "gone", is_redis=True)
        outages.recover("feed", "en")
    assert names(events) == ["feed-interrupted", "redis-interrupted", "redis-recovered"]


def test_a_part_that_fails_for_another_reason_has_recovered_from_the_first() -> None:
    outages = Outages()
    with capture_logs() as events:
        outages.fail("desk", "en", "gone", is_redis=True)
        outages.fail("desk", "en", "wrong password", is_redis=False)
        outages.recover("desk", "en")
    assert names(events) == ["redis-interrupted", "redis-recovered", "desk-interrupted", "desk-recovered"]


def test_a_second_outage_is_logged_again() -> None:
    outages = Outages()
    with capture_logs() as events:
        for _ in range(2):
            outages.fail("desk", "en", "gone", is_redis=True)
            outages.recover("desk", "en")
    assert names(events) == ["redis-interrupted", "redis-recovered"] * 2


def test_an_outage_that_the_embedded_server_reports_is_no_second_warning() -> None:
    outages = Outages(is_reported=True)
    with capture_logs() as events:
        outages.fail("desk", "en", "gone", is_redis=True)
        outages.fail("feed", "en", "entry 3 doesn't link", is_redis=False)
    assert [event["log_level"] for event in events] == ["info", "warning"]


def names(events: list[Any]) -> list[str]:
    return [event["event"] for event in events]
