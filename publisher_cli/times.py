"""Times that people type: how long from now, or when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ticker.core.errors import SettingsError

_PART = r"(?:(\d{1,4})\s*%s)?\s*"
_DURATION = re.compile(r"\+?\s*" + "".join(_PART % unit for unit in ("d", "h", "m(?:in)?", "s")), re.ASCII)


def parse_instant(text: str, now: datetime) -> datetime:
    """An instant in UTC, from a duration (`2h`, `1h30m`, `+20m`, `3d`) or a time of ISO 8601.

    A time without an offset is in the zone of this machine. `now` is aware.

    Raises:
        SettingsError: If it is neither.

    """
    duration = parse_duration(text)
    try:
        if duration is not None:
            return (now + duration).astimezone(UTC)
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{text[:40]!a} is no time: write how long from now (2h, 90m, 1h30m, 3d) or when (2026-11-24T16:30, "
            "2026-11-24T14:30Z)"
        ) from None


def parse_duration(text: str) -> timedelta | None:
    """A duration like `2h`, `90m` or `1h30m`; None for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def spell_instant(instant: datetime, now: datetime) -> str:
    """An instant read back: by the clock of this machine, in UTC where that is another, and how long it is until then.

    Seconds are left out: nobody plans by them.
    """
    local, here = instant.astimezone(), now.astimezone()
    day = "" if local.date() == here.date() else f"{local:%Y-%m-%d} "
    utc = "" if not local.utcoffset() else f" = {instant.astimezone(UTC):%H:%M} UTC"
    zone = f" {local:%Z}"
    return f"{day}{local:%H:%M}{zone}{utc} ({spell_duration(instant - now)})"


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
