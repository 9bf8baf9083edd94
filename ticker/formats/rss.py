"""A feed as RSS 2.0 (rssboard.org/rss-specification).

RSS can't remove an item. So a withdrawn line becomes an item with its notice and the same `guid`. `atom:updated` is the
time of the last change, because RSS itself has only the time of publication.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Final
from xml.etree import ElementTree as ET

from ticker.core.line import Line
from ticker.core.messages import rfc3339
from ticker.formats.publication import Publication, Snapshot
from ticker.formats.texts import body, headline
from ticker.formats.xml import add, document

MEDIA_TYPE: Final = "application/rss+xml"
FILE: Final = "feed.rss"


def rss_feed(snapshot: Snapshot) -> bytes:
    """Return the feed as an XML document."""
    publication = snapshot.publication
    root = ET.Element("rss", {"version": "2.0", "xmlns:atom": "http://www.w3.org/2005/Atom"})
    channel = add(root, "channel")
    add(channel, "title", publication.title)
    add(channel, "link", publication.page)
    add(channel, "description", publication.title)
    add(channel, "language", publication.edition.lang)
    add(channel, "lastBuildDate", _rfc822(snapshot.updated_at))
    add(channel, "atom:link", None, {"rel": "self", "type": MEDIA_TYPE, "href": publication.feed(FILE)})
    if publication.hub is not None:
        add(channel, "atom:link", None, {"rel": "hub", "href": publication.hub})
    for line in snapshot.lines:
        _add_item(channel, publication, line)
    return document(root)


def _add_item(channel: ET.Element, publication: Publication, line: Line) -> None:
    words = publication.words
    item = add(channel, "item")
    add(item, "title", headline(line, words))
    add(item, "link", publication.page_of(line.id))
    add(item, "guid", publication.id_of(line.id), {"isPermaLink": "false"})
    add(item, "pubDate", _rfc822(line.created_at))
    add(item, "atom:updated", rfc3339(line.updated_at))
    add(item, "description", body(line, words))
    for term in publication.terms_of(line):
        add(item, "category", term.name)


def _rfc822(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)
