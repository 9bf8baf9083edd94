"""Times that people type: how long from now, or when; and how they are read back.

The forms that most are typed in are read here; all others, in English, Arabic and Spanish, by `dateparser`, which takes
a quarter of a second to get going and is therefore only imported for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from ticker.core.errors import SettingsError

JUST_PASSED: Final = timedelta(hours=1)
"""A time of day that passed so little ago isn't meant for tomorrow: it is a slip, or too late."""

FARTHEST: Final = timedelta(days=3660)
"""What is read as a time beyond it is misread."""

LANGUAGES: Final = ("en", "ar", "es")
FORMS: Final = "write how long from now (2h, 90m, 1h30m, 3d) or when (14:30, tomorrow 9:00, 2026-11-24T16:30)"

_PART: Final = r"(?:(\d{1,4})\s*%s)?\s*"
_DURATION: Final = re.compile(r"\+?\s*" + "".join(_PART % unit for unit in ("d", "h", "m(?:in)?", "s")), re.ASCII)
_TIME_OF_DAY: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
# Patterns as text: most commands need none of them.
_TWO_NUMBERS: Final = r"(?<![\d/.:-])(\d{1,2})[/.-](\d{1,2})(?![\d:])"
_MIDNIGHT: Final = r"(?i)\b0?0[:.h]00|\b12(:00)?\s*a\.?m|midnight|medianoche|منتصف|٠:٠٠"
_ANYTHING_SAID: Final = r"[^\W\d_]|:"
# What people write and the library doesn't know (1.5.0).
_SAID_OTHERWISE: Final = (
    (r"(?i)\bhalf an hour\b", "30 minutes"),
    (r"(?i)\bmedia hora\b", "30 minutos"),
    ("نصف ساعة", "30 دقيقة"),
    (r"^بعد\b", "خلال"),
)


def parse_instant(
    text: str, now: datetime, zone: tzinfo | None = None, *, counts_from: datetime | None = None
) -> datetime:
    """An instant in UTC, from a duration (`2h`, `+20m`), a time of day, ISO 8601, or what people write besides.

    What has no offset is by the clock of `zone` (None: of this machine); a time of day is the next one. `now` is aware.
    A duration counts from `counts_from` (None: `now`).

    Raises:
        SettingsError: If it is none; if it could be two; or if it has passed, where that isn't said in ISO 8601.

    """
    text = text.strip()
    duration = parse_duration(text)
    counts_from = now if counts_from is None else counts_from
    try:
        if duration is not None:
            return (counts_from + duration).astimezone(UTC)
        if match := _TIME_OF_DAY.fullmatch(text):
            return _next(time(int(match[1]), int(match[2])), text, now, zone)
        if (instant := parse_iso(text, zone)) is not None:
            return instant
        return _parse_freely(text, now, zone, counts_from)
    except OverflowError:
        raise _no_time(text) from None


def parse_duration(text: str) -> timedelta | None:
    """A duration like `2h`, `90m` or `1h30m`; None for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def parse_times(texts: Mapping[str, str], now: datetime, zone: tzinfo | None) -> dict[str, datetime]:
    """The times of a submission by field. How long a line stays or is pinned counts from when it goes out.

    Raises:
        SettingsError: As `parse_instant`.

    """
    waits = {name: parse_instant(texts[name], now, zone) for name in ("publish_at", "embargo_until") if name in texts}
    goes_out = max(now, *waits.values()) if waits else now
    stays = {
        name: parse_instant(text, now, zone, counts_from=goes_out) for name, text in texts.items() if name not in waits
    }
    return waits | stays


def find_zone(name: str | None) -> tzinfo | None:
    """The time zone of this name; None, which is the machine's, where there is none.

    Raises:
        SettingsError: If the machine doesn't know it.

    """
    if name is None:
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 -- most editions have none

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise SettingsError(f"this machine doesn't know the time zone {name[:40]!a} of the edition") from error


def _no_time(text: str) -> SettingsError:
    return SettingsError(f"{text[:40]!r} is no time: {FORMS}")


def _next(of_day: time, text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """The next instant at which clocks show this time of day."""
    here = now.astimezone(zone)
    today = _instant_of(datetime.combine(here, of_day), text, zone)
    if today > now:
        return today
    if now - today <= JUST_PASSED:
        raise SettingsError(f"{text} has just passed: for the next day write `tomorrow {text}`, for now leave it out")
    return _instant_of(datetime.combine(here.date() + timedelta(days=1), of_day), text, zone)


def parse_iso(text: str, zone: tzinfo | None) -> datetime | None:
    """An instant in UTC from ISO 8601, by the clock of `zone` where it has no offset; None for anything else.

    Raises:
        SettingsError: If the clocks of `zone` show it twice, or never.
        OverflowError: If it is outside of the years that there are, in UTC.

    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _instant_of(given, text, zone) if given.tzinfo is None else given.astimezone(UTC)


def _instant_of(wall: datetime, text: str, zone: tzinfo | None) -> datetime:
    """The one instant at which the clocks of `zone` show `wall`, which has no zone itself."""
    first, second = ((wall.replace(fold=fold, tzinfo=zone)).astimezone(UTC) for fold in (0, 1))
    if first != second:  # PEP 495: only within an hour or so of a change of the clocks
        comes = "comes twice" if first < second else "doesn't come"
        raise SettingsError(
            f"{text[:40]!r} {comes} as the clocks change: write it with its offset, like {first:%Y-%m-%dT%H:%MZ}"
        )
    return first


def _parse_freely(text: str, now: datetime, zone: tzinfo | None, counts_from: datetime) -> datetime:
    """What the library makes of it, unless that is a guess."""
    if (two := re.search(_TWO_NUMBERS, text)) and two[1] != two[2] and max(int(two[1]), int(two[2])) <= 12:
        raise SettingsError(f"{two[0]!r} in {text[:40]!r} could be two days: write the month as a word, or 2026-11-24")
    if not re.search(_ANYTHING_SAID, text):
        raise _no_time(text)
    for said, known in _SAID_OTHERWISE:
        text = re.sub(said, known, text)
    here = now.astimezone(zone).replace(tzinfo=None)
    shift = timedelta(seconds=61)
    wall, later = _read(text, here), _read(text, here + shift)
    if wall is None or later is None:
        raise _no_time(text)
    if wall.tzinfo is None and later.tzinfo is None and later - wall == shift:
        instant = _after(wall - here, text, counts_from)
        has_passed = instant <= counts_from
    else:
        instant = _at_a_time(wall, text, zone)
        has_passed = instant <= now
    if abs(instant - now) > FARTHEST:
        raise _no_time(text)
    if has_passed:
        raise SettingsError(f"{text[:40]!r} has passed: {FORMS}")
    return instant


def _after(duration: timedelta, text: str, counts_from: datetime) -> datetime:
    # "tomorrow" comes as 24 hours, and nobody means that.
    if duration and duration % timedelta(days=1) == timedelta(0) and not re.search(r"\d", text):
        raise _no_hour(text)
    return (counts_from + duration).astimezone(UTC)


def _at_a_time(wall: datetime, text: str, zone: tzinfo | None) -> datetime:
    if wall.time() == time() and not re.search(_MIDNIGHT, text):
        raise _no_hour(text)
    return wall.astimezone(UTC) if wall.tzinfo is not None else _instant_of(wall, text, zone)


def _no_hour(text: str) -> SettingsError:
    return SettingsError(f"{text[:40]!r} has no time of day: write it too, like `tomorrow 9:00`")


def _read(text: str, here: datetime) -> datetime | None:
    """What the library reads: with a zone where the text has one, else by the same clock as `here`."""
    from dateparser.date import DateDataParser  # noqa: PLC0415 -- slow to import

    # A zone is named, so that the library doesn't look for that of the machine, which may be none that it knows.
    settings = {"PREFER_DATES_FROM": "future", "RELATIVE_BASE": here, "DATE_ORDER": "DMY", "TIMEZONE": "UTC"}
    found: datetime | None = DateDataParser(languages=list(LANGUAGES), settings=settings).get_date_data(text).date_obj
    return found


def spell_instant(instant: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """An instant read back: by the clock of `zone` (None: of this machine), in UTC where that is another, and how long.

    The day stands before it where that isn't today. Seconds are left out: nobody plans by them.
    """
    local, here = instant.astimezone(zone), now.astimezone(zone)
    universal = instant.astimezone(UTC)
    utc = "" if not local.utcoffset() else f" = {_day(universal, local)}{universal:%H:%M} UTC"
    return f"{_day(local, here)}{local:%H:%M %Z}{utc} ({spell_duration(instant - now)})"


def _day(instant: datetime, here: datetime) -> str:
    return "" if instant.date() == here.date() else f"{instant:%a %Y-%m-%d} "


def spell_duration(duration: timedelta) -> str:
    """`in 1 h 30 min`, with the two largest units, rounded to minutes; `in 40 s` below one; `now` for what is past."""
    seconds = round(duration.total_seconds())
    if seconds <= 0:
        return "now"
    if seconds < 60:
        return f"in {seconds} s"
    minutes = round(seconds / 60)
    units = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    parts = [f"{count} {unit}" for count, unit in units if count]
    return f"in {' '.join(parts[:2])}"
