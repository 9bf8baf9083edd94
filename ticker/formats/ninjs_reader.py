"""Read IPTC ninjs 3.1: return the fields of a submission that an item sets.

An item with a property that a line can't have is refused. Otherwise readers would get less than its author published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from ticker.core.errors import SettingsError
from ticker.formats.ninjs import MEDIA_TOPICS, TOPICS

IGNORED: Final = frozenset(
    {"uri", "standard", "version", "firstCreated", "versionCreated", "contentCreated", "pubStatus", "type", "profile"}
)
"""Properties that describe the item and not the line."""
_SECTIONS: Final = {TOPICS + code: section for section, code in MEDIA_TOPICS.items()}

Fields: TypeAlias = dict[str, object]
"""Fields of a submission. Times are still texts."""


class NinjsItem(msgspec.Struct, frozen=True):
    """An item. `fields` are those of a new line, or None for a withdrawn, hidden or expired item."""

    uri: str
    version: tuple[datetime, int]
    created_at: datetime
    fields: Fields | None


def read_item(item: object, path: str = "$") -> NinjsItem:
    """Return a ninjs object that stands at `path` in its document.

    Raises:
        SettingsError: If a property is missing, or a line can't have it. The message begins with its path.

    """
    given = _object(item, path)
    _check(given.get("type", "text") == "text", f"{path}.type", "only items of the type text can be lines")
    uri = _text(given.get("uri"), f"{path}.uri")
    updated_at = _time(given.get("versionCreated"), f"{path}.versionCreated")
    first = given.get("firstCreated")
    created_at = updated_at if first is None else _time(first, f"{path}.firstCreated")
    number = given.get("version", "")
    version = (updated_at, int(number) if isinstance(number, str) and number.isdecimal() else 0)
    status = given.get("pubStatus", "usable")
    _check(status in ("usable", "withheld", "canceled"), f"{path}.pubStatus", "it is usable, withheld or canceled")
    has_left = status != "usable" or ("headlines" not in given and "expires" in given)
    return NinjsItem(uri, version, created_at, None if has_left else _fields(given, path))


def _fields(given: Mapping[str, object], path: str) -> Fields:
    _check("headlines" in given, f"{path}.headlines", "it is missing: the main headline becomes the text")
    fields: Fields = {"split_attribution": False}
    for name, value in given.items():
        if name not in IGNORED:
            read = _READERS.get(name)
            _check(read is not None, f"{path}.{name}", "a line has nothing like it: remove it")
            assert read is not None
            fields |= read(value, f"{path}.{name}")
    return fields


def _headlines(value: object, path: str) -> Fields:
    found = [(index, each) for index, each in enumerate(_list(value, path)) if each.get("role", "main") == "main"]
    _check(len(found) == 1, path, "it needs exactly one headline with the role main")
    ((index, headline),) = found
    kind = headline.get("contentType", "text/plain")
    _check(kind == "text/plain", f"{path}[{index}].contentType", "a line is plain text: use text/plain")
    return {"text": _text(headline.get("value"), f"{path}[{index}].value")}


def _descriptions(value: object, path: str) -> Fields:
    for index, each in enumerate(_list(value, path)):
        # The reason for a correction is about an earlier version, and each item becomes a new line: leave it out.
        _check(each.get("role") == "correction", f"{path}[{index}]", "a line has no description: remove it")
    return {}


def _info_sources(value: object, path: str) -> Fields:
    source = _only(value, path)
    _check(source.get("role", "attribution") == "attribution", f"{path}[0].role", "only an attribution can be read")
    return {"attribution": _text(source.get("name"), f"{path}[0].name")}


def _subjects(value: object, path: str) -> Fields:
    return {"section": _section(_only(value, path), f"{path}[0]")}


def _section(subject: Mapping[str, object], path: str) -> str:
    """Return the section: our own id, that of the media topic, or the name, which the edition may know."""
    by_topic = _SECTIONS.get(str(subject.get("uri")))
    return _text(subject.get("literal") or by_topic or subject.get("name"), f"{path}.name")


def _places(value: object, path: str) -> Fields:
    places = enumerate(_list(value, path))
    return {
        "regions": [_text(each.get("literal") or each.get("name"), f"{path}[{index}].name") for index, each in places]
    }


def _events(value: object, path: str) -> Fields:
    return {"coverage": _text(_only(value, path).get("name"), f"{path}[0].name")}


def _associations(value: object, path: str) -> Fields:
    link = _only(value, path)
    _check(link.get("rel", "seeAlso") == "seeAlso", f"{path}[0].rel", "a line can only link to a page: use seeAlso")
    return {"url": _text(link.get("uri"), f"{path}[0].uri")}


def _urgency(value: object, path: str) -> Fields:
    _check(type(value) is int and 1 <= value <= 9, path, "an urgency is a number from 1 to 9")
    return {"urgency": value}


def _as_text(field: str) -> Callable[[object, str], Fields]:
    return lambda value, path: {field: _text(value, path)}


def _as_time(field: str) -> Callable[[object, str], Fields]:
    return lambda value, path: {field: _time(value, path).isoformat()}


_READERS: Final[Mapping[str, Callable[[object, str], Fields]]] = {
    "headlines": _headlines,
    "descriptions": _descriptions,
    "infoSources": _info_sources,
    "language": _as_text("lang"),
    "urgency": _urgency,
    "subjects": _subjects,
    "places": _places,
    "events": _events,
    "associations": _associations,
    "edNote": _as_text("note"),
    "expires": _as_time("expires_at"),
    "embargoedUntil": _as_time("embargo_until"),
}
"""The properties that a line can have, and which of our fields each one sets."""


def _check(holds: bool, path: str, why: str) -> None:
    if not holds:
        raise SettingsError(f"{path}: {why}")


def _object(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: it must be a JSON object")
    return value


def _list(value: object, path: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        raise SettingsError(f"{path}: it must be an array")
    return [_object(each, f"{path}[{index}]") for index, each in enumerate(value)]


def _only(value: object, path: str) -> Mapping[str, object]:
    found = _list(value, path)
    _check(bool(found), path, "it is empty: remove it")
    _check(len(found) == 1, f"{path}[1]", "a line can have only one: remove the others")
    return found[0]


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{path}: it must be a text")
    return value


def _time(value: object, path: str) -> datetime:
    try:
        time = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        time = None
    if time is None or time.tzinfo is None:
        raise SettingsError(f"{path}: it must be a time like 2026-11-26T12:00:00Z")
    return time
