"""Read ninjs 3.1: an item that we wrote has the same fields, and anything that a line can't have is refused."""

from __future__ import annotations

import copy
import re
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from publisher_cli.submit.batch_ninjs import read_ninjs
from tests.support.channels import make_line
from tests.support.feed_readers import ninjs_validator
from tests.support.publications import PUBLICATION
from tests.support.strategies import histories
from ticker.core.entry import Entry
from ticker.core.errors import SettingsError
from ticker.core.line import Line, Status
from ticker.formats.ninjs import ninjs
from ticker.formats.ninjs_reader import read_item

ITEM: dict[str, Any] = {
    "uri": "tag:agency.example,2026:1",
    "standard": {"name": "ninjs", "version": "3.1", "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#"},
    "type": "text",
    "version": "2",
    "firstCreated": "2026-11-26T12:00:00Z",
    "versionCreated": "2026-11-26T12:05:00+01:00",
    "pubStatus": "usable",
    "urgency": 2,
    "language": "en",
    "headlines": [
        {"role": "main", "contentType": "text/plain", "value": "Maduro: Polls close"},
        {"role": "short", "value": "Polls"},
    ],
    "infoSources": [{"name": "Agency", "role": "attribution"}],
    "edNote": "check the time",
    "embargoedUntil": "2026-11-26T13:00:00Z",
    "expires": "2026-11-27T13:00:00Z",
    "subjects": [{"name": "Elections", "uri": "http://cv.iptc.org/newscodes/mediatopic/11000000"}],
    "places": [{"name": "Europe"}, {"name": "Asien", "literal": "asia"}],
    "events": [{"name": "election"}],
    "associations": [{"name": "More", "uri": "https://news.example/a", "rel": "seeAlso"}],
}


def content_of(line: Line) -> dict[str, Any]:
    """Return the fields that a new line with the same content would be submitted with."""
    given = {
        "text": line.text,
        "attribution": line.attribution,
        "lang": line.lang,
        "urgency": line.urgency,
        "section": line.section,
        "regions": list(line.regions),
        "coverage": line.coverage,
        "url": line.url,
        "expires_at": line.expires_at,
    }
    return {name: value for name, value in given.items() if value not in (None, [])}


@settings(max_examples=30)
@given(histories(12))
def test_written_item_is_read_with_the_same_fields(log: list[Entry]) -> None:
    for entry in log:
        line = entry.line
        item = read_item(msgspec.json.decode(msgspec.json.encode(ninjs(PUBLICATION, line))))
        assert item.uri == PUBLICATION.id_of(line.id)
        if line.status is not Status.USABLE:
            assert item.fields is None
            continue
        assert item.fields is not None
        read = dict(item.fields)
        assert read.pop("split_attribution") is False
        if "expires_at" in read:
            read["expires_at"] = datetime.fromisoformat(str(read["expires_at"]))
        assert read == content_of(line)


def test_line_of_a_test_edition_says_so_and_is_not_read() -> None:
    line = make_line(1, "Polls close", test=True)
    item = ninjs(PUBLICATION, line)
    assert item["headlines"] == [{"role": "main", "contentType": "text/plain", "value": "TEST: Polls close"}]
    ninjs_validator().validate(msgspec.json.decode(msgspec.json.encode(item)))
    with pytest.raises(SettingsError, match="usageTerms"):
        read_item(item)


def test_item_of_an_agency_sets_every_field() -> None:
    assert read_item(ITEM).fields == {
        "split_attribution": False,
        "text": "Maduro: Polls close",
        "attribution": "Agency",
        "lang": "en",
        "urgency": 2,
        "section": "politics",
        "regions": ["Europe", "asia"],
        "coverage": "election",
        "url": "https://news.example/a",
        "note": "check the time",
        "embargo_until": "2026-11-26T13:00:00+00:00",
        "expires_at": "2026-11-27T13:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.type", "picture"),
        ("$.uri", None),
        ("$.versionCreated", "yesterday"),
        ("$.versionCreated", "2026-11-26T12:00:00"),
        ("$.pubStatus", "cancelled"),
        ("$.bodies", [{"value": "An article"}]),
        ("$.usageTerms", "Not in print"),
        ("$.urgency", 10),
        ("$.urgency", True),
        ("$.headlines", [{"role": "short", "value": "Polls"}]),
        ("$.headlines[0].contentType", [{"contentType": "text/html", "value": "<b>x</b>"}]),
        ("$.headlines[0].value", [{"value": 1}]),
        ("$.descriptions[0]", [{"role": "summary", "value": "x"}]),
        ("$.infoSources[1]", [{"name": "A"}, {"name": "B"}]),
        ("$.infoSources[0].role", [{"name": "A", "role": "photographer"}]),
        ("$.subjects[1]", [{"name": "A"}, {"name": "B"}]),
        ("$.places[1].name", [{"name": "A"}, {"rel": "x"}]),
        ("$.associations[0].rel", [{"uri": "https://a.example", "rel": "featureMedia"}]),
        ("$.expires", "soon"),
    ],
)
def test_anything_that_a_line_cannot_have_is_refused_with_its_path(path: str, value: object) -> None:
    item = copy.deepcopy(ITEM)
    item[re.split(r"[.\[]", path[2:], maxsplit=1)[0]] = value
    with pytest.raises(SettingsError) as refused:
        read_item(item)
    assert str(refused.value).startswith(f"{path}: ")


def test_newest_version_of_each_item_is_posted_and_the_oldest_item_first() -> None:
    later = {**ITEM, "uri": "b", "firstCreated": "2026-11-26T12:01:00Z"}
    older = {**ITEM, "version": "1", "headlines": [{"value": "An old version"}]}
    withdrawn = {**ITEM, "uri": "c", "pubStatus": "canceled"}
    array = [withdrawn, later, ITEM, older]
    for data in (msgspec.json.encode(array), b"\n".join(map(msgspec.json.encode, array)) + b"\n"):
        rows, left_out = read_ninjs(data)
        assert [number for number, _ in rows] == [3, 2]
        assert left_out == 2
    rows, _ = read_ninjs(msgspec.json.encode([ITEM, {**ITEM, "bodies": []}]))
    assert [str(row) for _, row in rows if isinstance(row, SettingsError)] == [
        "$[1].bodies: a line has nothing like it: remove it"
    ]
    assert len(read_ninjs(msgspec.json.format(msgspec.json.encode(ITEM)))[0]) == 1
    with pytest.raises(SettingsError):
        read_ninjs(b"not JSON")
