"""Describe all fields of a held submission except its text: an approval publishes them as well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

from msgspec import UNSET

from publisher_cli.output import bidi, messages
from ticker.core.edition import Edition
from ticker.core.submission import Submission

_CONTENT: Final = {
    "attribution": "source",
    "lang": "language",
    "dir": "direction",
    "section": "section",
    "regions": "regions",
    "coverage": "story",
    "url": "link",
    "expires_at": "expires",
}
"""The fields of a line, and their names for people. None removes the value."""

_OTHERS: Final = {"pinned_until": "pinned until", "note": "note for staff", "break_glass": "glass broken"}

NAMES: Final = {**_CONTENT, **_OTHERS}
"""The names of fields for people."""


def set_fields(submission: Submission) -> dict[str, object]:
    """Return the fields that the submission sets, except its text, its urgency and its reason."""
    content = {name: getattr(submission, name) for name in _CONTENT}
    others = {name: getattr(submission, name) for name in _OTHERS}
    return {name: value for name, value in content.items() if value is not UNSET} | {
        name: value for name, value in others.items() if value is not None
    }


def content_lines(submission: Submission, edition: Edition, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    """Yield the fields that the submission sets, except its text, the source in front of the text, and its reason."""
    if isinstance(submission.urgency, int) and submission.urgency not in messages.URGENCIES:
        yield f"urgency: {submission.urgency}"
    for field, value in set_fields(submission).items():
        if field == "attribution" and isinstance(submission.text, str):
            continue
        yield f"{NAMES[field]}: {_spelled(field, value, edition, now, zone)}"


def _spelled(field: str, value: object, edition: Edition, now: datetime, zone: tzinfo | None) -> str:
    if isinstance(value, datetime):
        return messages.clock(value, now, zone)
    if isinstance(value, tuple):
        return ", ".join(edition.regions.get(region, region) for region in map(str, value)) or "none"
    if value is None:
        return "none"
    name = str(value)
    return edition.sections.get(name, name) if field == "section" else bidi.isolated(name)
