"""Parse the times and durations that editors type, and spell them.

The common forms are parsed here. `dateparser` parses all others, in English, Arabic and Spanish. It is imported only if
it is needed, because that takes a quarter of a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from ticker.core.errors import SettingsError

JUST_PASSED: Final = timedelta(hours=1)
"""A time of day that passed less than this ago doesn't mean tomorrow: it is a slip, or too late."""

FARTHEST: Final = timedelta(days=3660)
"""A time farther away than this was misread."""

LANGUAGES: Final = ("en", "ar", "es")
FORMS: Final = "write how long from now (2h, 90m, 1h30m, 3d) or when (14:30, tomorrow 9:00, 2026-11-24T16:30)"
PAST_FORMS: Final = "write how long ago (2h, 3d) or when (14:30, 2026-11-24, 2026-11-24T14:30)"

# The patterns are compiled when they are first used: every command imports this module, and few parse a time.
_PART: Final = r"(?:(\d{1,4})\s*%s)?\s*"
_DURATION: Final = r"(?a)\+?\s*" + "".join(_PART % unit for unit in ("d", "h", "m(?:in)?", "s"))
_TIME_OF_DAY: Final = r"(?a)([01]?\d|2[0-3]):([0-5]\d)"
_TWO_NUMBERS: Final = r"(?<![\d/.:-])(\d{1,2})[/.-](\d{1,2})(?![\d:])"
_MIDNIGHT: Final = r"(?i)\b0?0[:.h]00|\b12(:00)?\s*a\.?m|midnight|medianoche|منتصف|٠:٠٠"
_LETTER_OR_COLON: Final = r"[^\W\d_]|:"
# Phrases that dateparser 1.5.0 doesn't know, and the same in words that it knows.
_REPLACEMENTS: Final = (
    (r"(?i)\bhalf an hour\b", "30 minutes"),
    (r"(?i)\bmedia hora\b", "30 minutos"),
    ("نصف ساعة", "30 دقيقة"),
    (r"^بعد\b", "خلال"),
)


def parse_instant(
    text: str, now: datetime, zone: tzinfo | None = None, *, counts_from: datetime | None = None
) -> datetime:
    """Return an instant in UTC, from a duration (`2h`, `+20m`), a time of day, ISO 8601, or common words.

    A text without an offset is in `zone` (None: this machine's). A time of day means its next occurrence. A duration
    counts from `counts_from` (None: `now`). `now` is an aware datetime.

    Raises:
        SettingsError: If the text is not a time, or is ambiguous, or has passed. In ISO 8601, past times are allowed:
            the desk refuses them.

    """
    text = text.strip()
    duration = parse_duration(text)
    counts_from = now if counts_from is None else counts_from
    try:
        if duration is not None:
            return (counts_from + duration).astimezone(UTC)
        if match := re.fullmatch(_TIME_OF_DAY, text):
            return _next(time(int(match[1]), int(match[2])), text, now, zone)
        if (instant := parse_iso(text, zone)) is not None:
            return instant
        return _parse_freely(text, now, zone, counts_from)
    except OverflowError:
        raise _not_a_time(text) from None


def parse_past(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return a past instant in UTC, from a duration (`2h` ago), a time of day (the last one), or ISO 8601.

    A text without an offset is in `zone` (None: this machine's).

    Raises:
        SettingsError: If the text is something else, or lies in the future.

    """
    text = text.strip()
    with suppress(OverflowError):
        if (duration := parse_duration(text)) is not None:
            return now - duration
        if match := re.fullmatch(_TIME_OF_DAY, text):
            today = now.astimezone(zone).replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
            return (today if today <= now else today - timedelta(days=1)).astimezone(UTC)
        instant = parse_iso(text, zone)
        if instant is not None and instant <= now:
            return instant
    raise SettingsError(f"--since {text[:40]!r} is not a time in the past: {PAST_FORMS}")


def parse_duration(text: str) -> timedelta | None:
    """Return a duration from `2h`, `90m` or `1h30m`, or None if the text is something else."""
    match = re.fullmatch(_DURATION, text.strip().lower())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def parse_times(texts: Mapping[str, str], now: datetime, zone: tzinfo | None) -> dict[str, datetime]:
    """Return the times of a submission, by field.

    A duration for the expiry or the pin counts from the time of publication.

    Raises:
        SettingsError: As `parse_instant`.

    """
    starts = {name: parse_instant(texts[name], now, zone) for name in ("publish_at", "embargo_until") if name in texts}
    published_at = max(now, *starts.values()) if starts else now
    ends = {
        name: parse_instant(text, now, zone, counts_from=published_at)
        for name, text in texts.items()
        if name not in starts
    }
    return starts | ends


def name_time(detail: str, field: str, typed: str) -> str:
    """Return the `detail` of a rule about a time, with what the editor typed in place of the name of the field."""
    return detail.replace(f"the time for `{field}`", typed, 1)


def parse_iso(text: str, zone: tzinfo | None) -> datetime | None:
    """Return the instant of an ISO 8601 text in UTC, or None if the text is something else.

    A time without an offset is in `zone`.

    Raises:
        SettingsError: If clocks in `zone` show this time twice or never.
        OverflowError: If it is before the year 1 or after the year 9999 in UTC.

    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _instant_of(given, text, zone) if given.tzinfo is None else given.astimezone(UTC)


def find_zone(name: str | None) -> tzinfo | None:
    """Return the time zone of this name. None stands for this machine's zone, and is returned as it is.

    Raises:
        SettingsError: If this machine doesn't know the zone.

    """
    if name is None:
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 -- most editions have no zone

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise SettingsError(f"this machine doesn't know the time zone {name[:40]!r} of the edition") from error


def spell_instant(instant: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return an instant as text: in `zone` (None: this machine's), in UTC if that differs, and how far away it is.

    The text includes the day if that isn't today, and leaves out seconds.
    """
    return f"{_day(instant, now, zone)}{_time_of_day(instant, now, zone)}"


def spell_moment(instant: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `at 18:00 …` or `on Fri 2026-11-27 at 18:00 …`: as `spell_instant`, to follow a verb."""
    day = _day(instant, now, zone)
    return f"{f'on {day}' if day else ''}at {_time_of_day(instant, now, zone)}"


def _time_of_day(instant: datetime, now: datetime, zone: tzinfo | None) -> str:
    local, universal = instant.astimezone(zone), instant.astimezone(UTC)
    other_day = "" if universal.date() == local.date() else f"{universal:%a %Y-%m-%d} "
    utc = "" if not local.utcoffset() else f" = {other_day}{universal:%H:%M} UTC"
    return f"{local:%H:%M %Z}{utc} ({spell_duration(instant - now)})"


def spell_duration(duration: timedelta) -> str:
    """Return `in 1 h 30 min`: as `spell_length`, or `now` below zero."""
    return "now" if round(duration.total_seconds()) <= 0 else f"in {spell_length(duration)}"


def spell_length(duration: timedelta) -> str:
    """Return `1 h 30 min`: the two largest units, rounded to minutes. Below a minute `40 s`."""
    seconds = max(0, round(duration.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    units = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    parts = [f"{count} {unit}" for count, unit in units if count]
    return " ".join(parts[:2])


def _day(instant: datetime, now: datetime, zone: tzinfo | None) -> str:
    local = instant.astimezone(zone)
    return "" if local.date() == now.astimezone(zone).date() else f"{local:%a %Y-%m-%d} "


def _next(of_day: time, text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """Return the next instant at which clocks in `zone` show this time of day."""
    local_now = now.astimezone(zone)
    today = _instant_of(datetime.combine(local_now, of_day), text, zone)
    if today > now:
        return today
    if now - today <= JUST_PASSED:
        raise SettingsError(f"{text} has just passed: write `tomorrow {text}`, or leave it out to publish now")
    return _instant_of(datetime.combine(local_now.date() + timedelta(days=1), of_day), text, zone)


def _instant_of(wall: datetime, text: str, zone: tzinfo | None) -> datetime:
    """Return the only instant at which clocks in `zone` show the naive datetime `wall`."""
    first, second = ((wall.replace(fold=fold, tzinfo=zone)).astimezone(UTC) for fold in (0, 1))
    if first != second:  # PEP 495: the clocks change at this time
        happens = "happens twice" if first < second else "doesn't exist"
        raise SettingsError(
            f"{text[:40]!r} {happens} because the clocks change: add the offset, as in {first:%Y-%m-%dT%H:%MZ}"
        )
    return first


def _parse_freely(text: str, now: datetime, zone: tzinfo | None, counts_from: datetime) -> datetime:
    """Return the instant that `dateparser` reads, unless it had to guess."""
    if (two := re.search(_TWO_NUMBERS, text)) and two[1] != two[2] and max(int(two[1]), int(two[2])) <= 12:
        raise SettingsError(f"{two[0]!r} in {text[:40]!r} could be two days: write the month as a word, or 2026-11-24")
    if not re.search(_LETTER_OR_COLON, text):
        raise _not_a_time(text)
    for pattern, replacement in _REPLACEMENTS:
        text = re.sub(pattern, replacement, text)
    local_now = now.astimezone(zone).replace(tzinfo=None)
    # Parse twice, at two times. Only a duration gives a result that moves along with the time.
    shift = timedelta(seconds=61)
    wall, later = _dateparse(text, local_now), _dateparse(text, local_now + shift)
    if wall is None or later is None:
        raise _not_a_time(text)
    if wall.tzinfo is None and later.tzinfo is None and later - wall == shift:
        has_passed = wall <= local_now
        instant = None if has_passed else _after(wall - local_now, text, counts_from)
    else:
        has_passed = wall.tzinfo is None and wall.date() < local_now.date()  # even without a time of day
        instant = None if has_passed else _on_clock(wall, text, zone)
    if abs(wall.replace(tzinfo=None) - local_now) > FARTHEST:
        raise _not_a_time(text)
    if instant is None or instant <= now:
        raise SettingsError(f"{text[:40]!r} is not in the future: {FORMS}")
    return instant


def _after(duration: timedelta, text: str, counts_from: datetime) -> datetime:
    # dateparser reads "tomorrow" as 24 hours, which nobody means.
    if duration and duration % timedelta(days=1) == timedelta(0) and not re.search(r"\d", text):
        raise _no_time_of_day(text)
    return (counts_from + duration).astimezone(UTC)


def _on_clock(wall: datetime, text: str, zone: tzinfo | None) -> datetime:
    if wall.time() == time() and not re.search(_MIDNIGHT, text):
        raise _no_time_of_day(text)
    return wall.astimezone(UTC) if wall.tzinfo is not None else _instant_of(wall, text, zone)


def _dateparse(text: str, local_now: datetime) -> datetime | None:
    """Return what `dateparser` reads: an aware datetime if the text names a zone, else a naive one."""
    from dateparser.date import DateDataParser  # noqa: PLC0415 -- it takes a quarter of a second

    # Name a zone, so that dateparser doesn't look up this machine's zone, which it may not know.
    settings = {"PREFER_DATES_FROM": "future", "RELATIVE_BASE": local_now, "DATE_ORDER": "DMY", "TIMEZONE": "UTC"}
    found: datetime | None = DateDataParser(languages=list(LANGUAGES), settings=settings).get_date_data(text).date_obj
    return found


def _not_a_time(text: str) -> SettingsError:
    return SettingsError(f"{text[:40]!r} is not a time: {FORMS}")


def _no_time_of_day(text: str) -> SettingsError:
    return SettingsError(f"{text[:40]!r} has no time of day: add one, as in `tomorrow 9:00`")
