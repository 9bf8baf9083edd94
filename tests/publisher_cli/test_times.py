"""Times that people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from publisher_cli.times import (
    find_zone,
    parse_duration,
    parse_instant,
    parse_past,
    parse_times,
    spell_duration,
    spell_instant,
)
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


@pytest.mark.parametrize("text", ["2h", "2 hours", "in two hours", "en 2 horas", "ساعتين"])
def test_how_long_a_line_stays_counts_from_when_it_goes_out_however_it_is_written(text: str) -> None:
    times = parse_times({"publish_at": "2026-11-25T09:00Z", "embargo_until": "1h", "expires_at": text}, NOW, UTC)
    assert times["expires_at"] - times["publish_at"] == timedelta(hours=2)
    assert parse_times({"expires_at": text}, NOW, UTC) == {"expires_at": NOW + timedelta(hours=2)}


def test_a_duration_that_lies_behind_is_refused_whatever_it_counts_from() -> None:
    with pytest.raises(SettingsError, match="has passed"):
        parse_times({"publish_at": "2026-11-25T09:00Z", "expires_at": "2 hours ago"}, NOW, UTC)


MADRID = ZoneInfo("Europe/Madrid")
"""In November an hour before UTC: NOW is a Tuesday, 10:30 there."""

PEOPLE_WRITE = [
    # text, what it is by the clock of Madrid
    ("14:30", "2026-11-24T14:30"),
    ("09:00", "2026-11-25T09:00"),  # passed today, and not just now
    ("at 14:30", "2026-11-24T14:30"),
    ("9pm", "2026-11-24T21:00"),
    ("tomorrow 9:00", "2026-11-25T09:00"),
    ("tomorrow at 9:00", "2026-11-25T09:00"),
    ("tomorrow midnight", "2026-11-25T00:00"),
    ("friday 18:15", "2026-11-27T18:15"),
    ("tuesday 9:00", "2026-12-01T09:00"),
    ("25 november 9:00", "2026-11-25T09:00"),
    ("25/11 9:00", "2026-11-25T09:00"),
    ("14:30 UTC", "2026-11-24T15:30"),
    ("in 20 minutes", "2026-11-24T10:50"),
    ("in an hour", "2026-11-24T11:30"),
    ("in half an hour", "2026-11-24T11:00"),
    ("20 minutes", "2026-11-24T10:50"),
    ("a las 14:30", "2026-11-24T14:30"),
    ("mañana 9:00", "2026-11-25T09:00"),
    ("mañana a las 9:00", "2026-11-25T09:00"),
    ("viernes 18:15", "2026-11-27T18:15"),
    ("25 de noviembre 9:00", "2026-11-25T09:00"),
    ("en 20 minutos", "2026-11-24T10:50"),
    ("dentro de 20 minutos", "2026-11-24T10:50"),
    ("en media hora", "2026-11-24T11:00"),
    ("الساعة 14:30", "2026-11-24T14:30"),
    ("غدا 9:00", "2026-11-25T09:00"),
    ("غداً الساعة 9:00", "2026-11-25T09:00"),
    ("٩:٠٠ غدا", "2026-11-25T09:00"),
    ("الجمعة 18:15", "2026-11-27T18:15"),
    ("25 نوفمبر 9:00", "2026-11-25T09:00"),
    ("بعد 20 دقيقة", "2026-11-24T10:50"),
    ("خلال 20 دقيقة", "2026-11-24T10:50"),
    ("بعد نصف ساعة", "2026-11-24T11:00"),
]


@pytest.mark.parametrize(("text", "clock"), PEOPLE_WRITE, ids=[text for text, _ in PEOPLE_WRITE])
def test_times_are_read_as_people_write_them(text: str, clock: str) -> None:
    expected = datetime.fromisoformat(clock).replace(tzinfo=MADRID).astimezone(UTC)
    assert parse_instant(text, NOW, MADRID) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10:15", "has just passed: write `tomorrow 10:15`"),
        ("03/04 9:00", "could be two days"),
        ("friday", "no time of day"),
        ("tomorrow", "no time of day"),
        ("mañana", "no time of day"),
        ("غدا", "no time of day"),
        ("yesterday 9:00", "has passed"),
        ("hace 20 minutos", "has passed"),
        ("now", "has passed"),
        ("1430", "is not a time"),
        ("25:00", "is not a time"),
    ],
)
def test_what_could_be_two_times_or_has_passed_is_refused(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse_instant(text, NOW, MADRID)


@pytest.mark.parametrize(
    ("text", "why"), [("2026-10-25T02:30", "happens twice"), ("2026-03-29T02:30", "doesn't exist"), ("02:30", "twice")]
)
def test_an_hour_that_comes_twice_or_never_needs_its_offset(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse_instant(text, datetime(2026, 10, 24, 20, 0, tzinfo=UTC), MADRID)


def test_a_time_is_read_back_by_the_desk_s_clock_and_in_utc() -> None:
    assert spell_instant(NOW + timedelta(hours=2), NOW, MADRID) == "12:30 CET = 11:30 UTC (in 2 h)"
    assert spell_instant(NOW + timedelta(hours=2), NOW, UTC) == "11:30 UTC (in 2 h)"


def test_the_day_is_read_back_where_it_is_not_today() -> None:
    midnight = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert spell_instant(midnight, NOW, MADRID) == "Wed 2026-11-25 00:30 CET = Tue 2026-11-24 23:30 UTC (in 14 h)"


def test_a_zone_that_the_machine_does_not_know_is_said() -> None:
    assert find_zone(None) is None
    assert find_zone("Europe/Madrid") == MADRID
    for name in ("Europe/Atlantis", "../etc/passwd", ""):
        with pytest.raises(SettingsError, match="time zone"):
            find_zone(name)


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOON - timedelta(hours=2)),
        ("11:30", NOON - timedelta(minutes=30)),
        ("12:30", NOON - timedelta(hours=23, minutes=30)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-24T13:00+02:00", NOON - timedelta(hours=1)),
    ],
)
def test_past_time_is_a_duration_ago_the_last_time_of_day_or_iso_8601(text: str, expected: datetime) -> None:
    assert parse_past(text, NOON, UTC) == expected


@pytest.mark.parametrize(
    "text", ["2026-11-24T12:01Z", "25:00", "whenever", "yesterday 9:00", "tomorrow 9:00", "0001-01-01T00:00+10:00"]
)
def test_time_that_is_not_past_is_refused_with_the_valid_forms(text: str) -> None:
    with pytest.raises(SettingsError, match=r"is not a time in the past: write how long ago"):
        parse_past(text, NOON, UTC)
