"""Independent readers of our formats: each parses a document with a library of others, and returns what it says.

A reader knows nothing of our code. It keeps the items that it has by their id, as feed readers do.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import feedparser
import jsonschema
from lxml import etree
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SCHEMAS: Final = Path(__file__).parents[1] / "formats" / "schemas"
_ATOM: Final = {"a": "http://www.w3.org/2005/Atom", "at": "http://purl.org/atompub/tombstones/1.0"}
_BIDI: Final = re.compile("[\u200e\u200f\u2068\u2069]")


class Item(NamedTuple):
    """One item of a feed: its title without control characters for the direction, its body, and its times."""

    title: str
    body: str
    published: datetime
    updated: datetime


def plain(text: str) -> str:
    """Return the text without the control characters that show it in its direction."""
    return _BIDI.sub("", text)


class FeedReader:
    """A reader that polls a feed. `items` are those that it shows, by id."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def read_json(self, document: bytes) -> None:
        """Add the items of a JSON Feed, and remove those that its extension lists."""
        feed = json.loads(document)
        _json_feed_validator().validate(feed)
        for removed in feed["_ticker"]["removed"]:
            self.items.pop(removed["id"], None)
        for item in feed["items"]:
            self.items[item["id"]] = Item(
                plain(item["title"]),
                plain(item["content_text"]),
                datetime.fromisoformat(item["date_published"]),
                datetime.fromisoformat(item["date_modified"]),
            )

    def read_atom(self, document: bytes, *, knows_tombstones: bool = True) -> None:
        """Add the entries of an Atom feed. A tombstone removes an entry that isn't newer (RFC 6721)."""
        root = etree.fromstring(document)
        _atom_schema().assertValid(root)
        feed = _parsed(document)
        for entry in feed.entries:
            self.items[entry.id] = Item(
                plain(entry.title),
                plain(entry.content[0].value),
                datetime.fromisoformat(entry.published),
                datetime.fromisoformat(entry.updated),
            )
        for tombstone in root.findall("at:deleted-entry", _ATOM) if knows_tombstones else ():
            ref, when = tombstone.attrib["ref"], datetime.fromisoformat(tombstone.attrib["when"])
            known = self.items.get(ref)
            if known is not None and known.updated <= when:
                del self.items[ref]

    def read_ninjs(self, document: bytes) -> None:
        """Add the items of an array of ninjs objects, and remove those without a text and those that have expired."""
        for item in json.loads(document):
            ninjs_validator().validate(item)
            if item["pubStatus"] != "usable" or "headlines" not in item:
                self.items.pop(item["uri"], None)
                continue
            sources = [f"{source['name']}: " for source in item.get("infoSources", [])]
            title = "".join(sources) + item["headlines"][0]["value"]
            notes = [note["value"] for note in item.get("descriptions", [])]
            self.items[item["uri"]] = Item(
                plain(title),
                plain("\n\n".join([title, *(f"Correction: {note}" for note in notes)])),
                datetime.fromisoformat(item["firstCreated"]),
                datetime.fromisoformat(item["versionCreated"]),
            )

    def read_rss(self, document: bytes) -> None:
        """Take over the items of an RSS feed: it can't say that an item is gone, so only the newest document counts."""
        self.items = {
            entry.id: Item(
                plain(entry.title),
                plain(entry.description),
                datetime.strptime(entry.published, "%a, %d %b %Y %H:%M:%S GMT").astimezone(),
                datetime.fromisoformat(entry.updated),
            )
            for entry in _parsed(document).entries
        }


def _parsed(document: bytes) -> Any:
    feed = feedparser.parse(document, sanitize_html=False, resolve_relative_uris=False)
    assert not feed.bozo, feed.bozo_exception
    assert len({entry.id for entry in feed.entries}) == len(feed.entries), "an id is used twice"
    return feed


@cache
def _json_feed_validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / "json_feed.json").read_bytes())
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@cache
def _atom_schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMAS / "atom.rng"))


@cache
def ninjs_validator() -> jsonschema.Draft202012Validator:
    """Return a validator with IPTC's own schema of ninjs 3.1."""
    schema, geo = (json.loads((SCHEMAS / name).read_bytes()) for name in ("ninjs-3.1.json", "geojson.json"))
    registry: Registry[Any] = Registry().with_resource(geo["$id"], DRAFT202012.create_resource(geo))
    return jsonschema.Draft202012Validator(schema, registry=registry, format_checker=jsonschema.FormatChecker())
