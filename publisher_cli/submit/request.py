"""A change as the editor typed it, and the options of a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from publisher_cli.times import parse_duration
from ticker.core.errors import SettingsError
from ticker.core.line import Change
from ticker.core.submission import UNDO_MAX_S

WAIT_S: Final = 10.0
WAIT_MAX_S: Final = 3600.0

URGENCIES: Final = {"flash": 1, "bulletin": 2, "urgent": 3, "routine": 4}
"""The urgencies that have a name."""

TIME_OPTIONS: Final = {
    "publish_at": "--at",
    "embargo_until": "--embargo",
    "expires_at": "--expires",
    "pinned_until": "--pin",
}
"""The options of `tick post` for the times of a submission."""


class ChangeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A change as it was typed.

    `line` is the line's id, the beginning of it, or `last`; None for a new line. `fields` are fields of the submission.
    `times` are fields, too, but still as text: what `14:30` means depends on the edition's time zone.
    """

    change: Change
    line: str | None = None
    version: int | None = None
    fields: dict[str, Any] = {}
    times: dict[str, str] = {}


class SubmitOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options that every submission and every decision has.

    Attributes:
        data: The data folder of `ticker up`; None for the default.
        wait_s: How long the desk may take.
        wants_reach: Wait a moment for the gateways' reports.
        key: The idempotency key that the editor gave, which an earlier request may have used; None for a new one.
        break_glass: Why the change needs no second person; None to wait for one.
        skips_window: Return the first receipt, without waiting for the end of the undo window.
        is_dry_run: Apply the rules and submit nothing.

    """

    data: Path | None
    edition: str | None
    editor: str | None
    wait_s: float
    wants_reach: bool
    key: str | None = None
    break_glass: str | None = None
    skips_window: bool = False
    is_dry_run: bool = False


def content_fields(
    *,
    section: str | None = None,
    regions: tuple[str, ...] = (),
    urgency: int | None = None,
    url: str | None = None,
    expires: str | None = None,
    attribution: str | None = None,
    no_split: bool = False,
    lang: str | None = None,
    story: str | None = None,
    at: str | None = None,
    embargo: str | None = None,
    undo: str | None = None,
    again: bool = False,
    confirmed: bool = False,
    pin: str | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of a submission, and separately those that are times, still as text.

    None means that the editor gave no value. An empty value removes the field from the line.

    Raises:
        SettingsError: If `undo` isn't an undo window.

    """
    removable = {"section": section, "url": url, "attribution": attribution, "coverage": story}
    others = {"urgency": urgency, "lang": lang}
    times = {"expires_at": expires, "pinned_until": pin, "publish_at": at, "embargo_until": embargo}
    fields: dict[str, Any] = {"split_attribution": not no_split, "again": again, "confirmed": confirmed}
    fields |= {name: value or None for name, value in removable.items() if value is not None}
    fields |= {name: value for name, value in others.items() if value is not None}
    if expires == "":
        fields["expires_at"] = None
    if regions:
        fields["regions"] = tuple(region for region in regions if region)
    if undo is not None:
        fields["undo_s"] = undo_window_s(undo)
    return fields, {name: text for name, text in times.items() if text}


def parse_urgency(text: str) -> int:
    """Return an urgency from its name or its number. The desk checks the number.

    Raises:
        SettingsError: If the text is neither.

    """
    name = text.strip().lower()
    if name in URGENCIES:
        return URGENCIES[name]
    if name.isdecimal() and len(name) == 1:
        return int(name)
    raise SettingsError(f"{text[:40]!r} is not an urgency: use {', '.join(URGENCIES)}, or 1 (flash) to 9")


def undo_window_s(text: str) -> float:
    """Return the length of an undo window in seconds, from `5s`, `1m` or a number of seconds.

    Raises:
        SettingsError: If the text is something else, or the window is too long.

    """
    duration = parse_duration(f"{text}s" if text.strip().isdecimal() else text)
    if duration is None or duration.total_seconds() > UNDO_MAX_S:
        raise SettingsError(
            f"{text[:40]!r} isn't an undo window: write 5s, or 0 for none. The longest is {UNDO_MAX_S:g} s: "
            "to publish later, use --at"
        )
    return duration.total_seconds()
