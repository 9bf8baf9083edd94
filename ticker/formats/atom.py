"""A feed as Atom (RFC 4287) with tombstones (RFC 6721).

A withdrawn line becomes an entry with its notice and a tombstone (`deleted-entry`). Readers that support tombstones
remove the line. The others, which are most, show the notice. A line that was hidden or has expired becomes a tombstone
only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from ticker.core.line import Line, Status
from ticker.core.messages import rfc3339
from ticker.formats.publication import Publication, Snapshot
from ticker.formats.texts import body, headline
from ticker.formats.xml import add, document

MEDIA_TYPE: Final = "application/atom+xml"
FILE: Final = "feed.atom"
_ATOM: Final = "http://www.w3.org/2005/Atom"
_TOMBSTONES: Final = "http://purl.org/atompub/tombstones/1.0"


def atom_feed(snapshot: Snapshot) -> bytes:
    """Return the feed as an XML document."""
    publication = snapshot.publication
    # ElementTree's own namespaces would put a prefix in front of every name, which some readers don't understand.
    root = ET.Element("feed", {"xmlns": _ATOM, "xmlns:at": _TOMBSTONES, "xml:lang": publication.edition.lang})
    add(root, "id", publication.id)
    add(root, "title", publication.title)
    add(root, "updated", rfc3339(snapshot.updated_at))
    add(add(root, "author"), "name", publication.publisher)
    add(root, "link", None, {"rel": "self", "type": MEDIA_TYPE, "href": publication.feed(FILE)})
    add(root, "link", None, {"rel": "alternate", "type": "text/html", "href": publication.page})
    if publication.hub is not None:
        add(root, "link", None, {"rel": "hub", "href": publication.hub})
    for removed in snapshot.removed:
        _add_tombstone(root, publication.id_of(removed.id), removed.at)
    for line in snapshot.lines:
        if line.status is Status.CANCELED:
            _add_tombstone(root, publication.id_of(line.id), line.updated_at)
    for line in snapshot.lines:
        _add_entry(root, publication, line)
    return document(root)


def _add_tombstone(root: ET.Element, ref: str, when: datetime) -> None:
    add(root, "at:deleted-entry", None, {"ref": ref, "when": rfc3339(when)})


def _add_entry(root: ET.Element, publication: Publication, line: Line) -> None:
    words = publication.words
    entry = add(root, "entry", None, {"xml:lang": line.lang})
    add(entry, "id", publication.id_of(line.id))
    add(entry, "title", headline(line, words))
    add(entry, "updated", rfc3339(line.updated_at))
    add(entry, "published", rfc3339(line.created_at))
    add(entry, "link", None, {"rel": "alternate", "type": "text/html", "href": publication.page_of(line.id)})
    if line.url is not None:
        add(entry, "link", None, {"rel": "related", "href": line.url})
    for term in publication.terms_of(line):
        add(entry, "category", None, {"term": term.id, "label": term.name})
    add(entry, "content", body(line, words), {"type": "text"})
