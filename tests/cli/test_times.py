"""Times that people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from publisher_cli.times import parse_duration, parse_instant, spell_duration, spell_instant
from ticker.core.errors import SettingsError

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("2h", 120), ("90m", 90), ("1h30m", 90), ("1h 30min", 90), ("+20m", 20), ("3d", 4320), ("2H", 120), ("60s", 1)],
)
def test_a_duration_is_from_now_on(text: str, minutes: int) -> None:
    assert parse_instant(text, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["2026-11-24T16:30Z", "2026-11-24T17:30+01:00", "2026-11-24 16:30+00:00"])
def test_a_time_of_iso_8601_is_that_instant(text: str) -> None:
    assert parse_instant(text, NOW) == datetime(2026, 11, 24, 16, 30, tzinfo=UTC)


def test_an_instant_is_in_utc() -> None:
    assert parse_instant("2h", NOW.astimezone(timezone(timedelta(hours=3)))).tzinfo is UTC


def test_a_time_without_an_offset_is_by_the_clock_here() -> None:
    assert parse_instant("2026-11-24T16:30", NOW) == datetime(2026, 11, 24, 16, 30).astimezone(UTC)


@pytest.mark.parametrize("text", ["", "h", "2", "soon", "2x", "-2h", "99999d", "9999d 9999h", "0001-01-01T00:00+23:00"])
def test_anything_else_is_refused_with_what_can_be_written(text: str) -> None:
    if text == "9999d 9999h":
        assert parse_duration(text) == timedelta(days=9999, hours=9999)
        return
    with pytest.raises(SettingsError, match="write how long from now"):
        parse_instant(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "now"), (40, "in 40 s"), (60, "in 1 min"), (5400, "in 1 h 30 min"), (7200, "in 2 h"), (93_600, "in 1 d 2 h")],
)
def test_a_duration_is_spelt_with_two_units_at_most(seconds: int, words: str) -> None:
    assert spell_duration(timedelta(seconds=seconds)) == words


def test_an_instant_is_read_back_with_its_distance() -> None:
    assert spell_instant(NOW + timedelta(hours=2), NOW).endswith("(in 2 h)")
