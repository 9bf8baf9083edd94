"""A feed as JSON Feed 1.1 (jsonfeed.org/version/1.1).

JSON Feed can't remove an item. So a withdrawn line stays as an item with its notice. The extension `_ticker` of the
feed lists the lines that readers have to remove.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ticker.core.line import Line
from ticker.formats.publication import Publication, Snapshot
from ticker.formats.texts import body, headline

MEDIA_TYPE: Final = "application/feed+json"
FILE: Final = "feed.json"
_VERSION: Final = "https://jsonfeed.org/version/1.1"
_FACTS: Final = (
    *("version", "change", "status", "dir", "urgency", "attribution", "section", "regions", "coverage", "correction"),
    *("expires_at", "pinned_until", "test"),
)
"""The fields of a line in its extension, under the names of the wire."""


def json_feed(snapshot: Snapshot) -> bytes:
    """Return the feed as JSON."""
    publication = snapshot.publication
    edition = publication.edition
    feed: dict[str, object] = {
        "version": _VERSION,
        "title": publication.title,
        "home_page_url": publication.page,
        "feed_url": publication.feed(FILE),
        "language": edition.lang,
        "authors": [{"name": publication.publisher}],
        "_ticker": {
            "edition": publication.name,
            "dir": edition.dir,
            "removed": [
                {"id": publication.id_of(removed.id), "status": removed.status, "at": removed.at}
                for removed in snapshot.removed
            ],
        },
        "items": [_item(publication, line) for line in snapshot.lines],
    }
    if publication.hub is not None:
        feed["hubs"] = [{"type": "WebSub", "url": publication.hub}]
    return msgspec.json.encode(feed)


def _item(publication: Publication, line: Line) -> dict[str, object]:
    words = publication.words
    item: dict[str, object] = {
        "id": publication.id_of(line.id),
        "url": publication.page_of(line.id),
        "title": headline(line, words),
        "content_text": body(line, words),
        "date_published": line.created_at,
        "date_modified": line.updated_at,
        "language": line.lang,
    }
    if line.url is not None:
        item["external_url"] = line.url
    if tags := [term.name for term in publication.terms_of(line)]:
        item["tags"] = tags
    item["_ticker"] = {name: value for name in _FACTS if (value := getattr(line, name)) not in (None, (), False)}
    return item
