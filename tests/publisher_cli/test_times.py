"""Parse times that people type, and spell them."""

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
    spell_moment,
)
from ticker.core.errors import SettingsError

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("2h", 120), ("90m", 90), ("1h30m", 90), ("1h 30min", 90), ("+20m", 20), ("3d", 4320), ("2H", 120), ("60s", 1)],
)
def test_duration_counts_from_now(text: str, minutes: int) -> None:
    assert parse_instant(text, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["2026-11-24T16:30Z", "2026-11-24T17:30+01:00", "2026-11-24 16:30+00:00"])
def test_iso_8601_is_that_instant(text: str) -> None:
    assert parse_instant(text, NOW) == datetime(2026, 11, 24, 16, 30, tzinfo=UTC)


def test_result_is_in_utc() -> None:
    assert parse_instant("2h", NOW.astimezone(timezone(timedelta(hours=3)))).tzinfo is UTC


def test_time_without_an_offset_is_in_the_machines_zone() -> None:
    assert parse_instant("2026-11-24T16:30", NOW) == datetime(2026, 11, 24, 16, 30).astimezone(UTC)


@pytest.mark.parametrize("text", ["", "h", "2", "soon", "2x", "-2h", "99999d", "9999d 9999h", "0001-01-01T00:00+23:00"])
def test_other_text_is_refused_with_the_valid_forms(text: str) -> None:
    if text == "9999d 9999h":
        assert parse_duration(text) == timedelta(days=9999, hours=9999)
        return
    with pytest.raises(SettingsError, match="write how long from now"):
        parse_instant(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "now"), (40, "in 40 s"), (60, "in 1 min"), (5400, "in 1 h 30 min"), (7200, "in 2 h"), (93_600, "in 1 d 2 h")],
)
def test_duration_is_spelt_with_at_most_two_units(seconds: int, words: str) -> None:
    assert spell_duration(timedelta(seconds=seconds)) == words


def test_instant_is_spelt_with_its_distance() -> None:
    assert spell_instant(NOW + timedelta(hours=2), NOW).endswith("(in 2 h)")


@pytest.mark.parametrize("text", ["2h", "2 hours", "in two hours", "en 2 horas", "ساعتين"])
def test_expiry_duration_counts_from_publication(text: str) -> None:
    times = parse_times({"publish_at": "2026-11-25T09:00Z", "embargo_until": "1h", "expires_at": text}, NOW, UTC)
    assert times["expires_at"] - times["publish_at"] == timedelta(hours=2)
    assert parse_times({"expires_at": text}, NOW, UTC) == {"expires_at": NOW + timedelta(hours=2)}


def test_past_expiry_is_refused_even_if_publication_is_later() -> None:
    with pytest.raises(SettingsError, match="is not in the future"):
        parse_times({"publish_at": "2026-11-25T09:00Z", "expires_at": "2 hours ago"}, NOW, UTC)


MADRID = ZoneInfo("Europe/Madrid")
"""One hour ahead of UTC in November. NOW is a Tuesday, 10:30 in Madrid."""

PEOPLE_WRITE = [
    # text, time in Madrid
    ("14:30", "2026-11-24T14:30"),
    ("09:00", "2026-11-25T09:00"),  # it passed more than an hour ago
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
def test_common_words_are_understood_in_three_languages(text: str, clock: str) -> None:
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
        ("yesterday 9:00", "is not in the future: write how long from now"),
        ("yesterday", "is not in the future"),
        ("ayer", "is not in the future"),
        ("أمس", "is not in the future"),
        ("23 november 2026", "is not in the future"),
        ("hace 20 minutos", "is not in the future"),
        ("now", "is not in the future"),
        ("1430", "is not a time"),
        ("25:00", "is not a time"),
    ],
)
def test_ambiguous_or_past_time_is_refused(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse_instant(text, NOW, MADRID)


@pytest.mark.parametrize(
    ("text", "why"), [("2026-10-25T02:30", "happens twice"), ("2026-03-29T02:30", "doesn't exist"), ("02:30", "twice")]
)
def test_hour_at_a_clock_change_needs_its_offset(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse_instant(text, datetime(2026, 10, 24, 20, 0, tzinfo=UTC), MADRID)


def test_instant_is_spelt_in_the_zone_and_in_utc() -> None:
    assert spell_instant(NOW + timedelta(hours=2), NOW, MADRID) == "12:30 CET = 11:30 UTC (in 2 h)"
    assert spell_instant(NOW + timedelta(hours=2), NOW, UTC) == "11:30 UTC (in 2 h)"


def test_instant_is_spelt_with_the_day_if_it_is_not_today() -> None:
    midnight = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert spell_instant(midnight, NOW, MADRID) == "Wed 2026-11-25 00:30 CET = Tue 2026-11-24 23:30 UTC (in 14 h)"


def test_moment_follows_a_verb() -> None:
    assert spell_moment(NOW + timedelta(hours=2), NOW, MADRID) == "at 12:30 CET = 11:30 UTC (in 2 h)"
    assert spell_moment(NOW + timedelta(days=1), NOW, UTC) == "on Wed 2026-11-25 at 09:30 UTC (in 1 d)"


def test_unknown_zone_is_refused() -> None:
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
