"""Lines as IPTC ninjs 3.1 (iptc.org/standards/ninjs), the JSON format of news agencies.

ninjs lacks fields for the direction of a text, the kind of a change and the reason for a correction. So the reason for
a correction or a withdrawal is a description with the role `correction`. The note for staff is never included.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ticker.core.line import Line, Status
from ticker.core.messages import rfc3339
from ticker.formats.publication import Publication, Removal, Removed, Snapshot

MEDIA_TYPE: Final = "application/json"
FILE: Final = "lines.ninjs"
_STANDARD: Final = {
    "name": "ninjs",
    "version": "3.1",
    "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#",
}
_PLAIN: Final = "text/plain"
TOPICS: Final = "http://cv.iptc.org/newscodes/mediatopic/"
TEST_TERMS: Final = "This is a test. It must not be published."
MEDIA_TOPICS: Final = {
    "politics": "11000000",
    "economy": "04000000",
    "sports": "15000000",
    "arts-culture": "01000000",
    "health": "07000000",
    "technology": "13000000",
    "environment": "06000000",
}
"""The code of each default section in IPTC's Media Topics, which lack a code for `miscellaneous`."""


def ninjs_lines(snapshot: Snapshot) -> bytes:
    """Return a JSON array of ninjs objects: the lines that show, then those that left, without a text."""
    publication = snapshot.publication
    items = [ninjs(publication, line) for line in snapshot.lines]
    return msgspec.json.encode([*items, *(_removed(publication, removed) for removed in snapshot.removed)])


def ninjs(publication: Publication, line: Line) -> dict[str, object]:
    """Return a line as a ninjs object, without a headline if the line is withdrawn or hidden."""
    item: dict[str, object] = {
        "uri": publication.id_of(line.id),
        "standard": _STANDARD,
        "type": "text",
        "version": str(line.version),
        "firstCreated": rfc3339(line.created_at),
        "versionCreated": rfc3339(line.updated_at),
        "pubStatus": line.status.value,
        "urgency": line.urgency,
        "language": line.lang,
    }
    if line.status is Status.USABLE:
        text = f"{publication.words.test}: {line.text}" if line.test else line.text
        item["headlines"] = [{"role": "main", "contentType": _PLAIN, "value": text}]
    if line.test:
        item["usageTerms"] = TEST_TERMS  # `ninjs_reader` refuses terms, so no command moves a test to another edition
    if line.correction is not None:
        item["descriptions"] = [{"role": "correction", "contentType": _PLAIN, "value": line.correction}]
    if line.attribution is not None:
        item["infoSources"] = [{"name": line.attribution, "role": "attribution"}]
    if line.expires_at is not None:
        item["expires"] = rfc3339(line.expires_at)
    if (section := publication.section_of(line)) is not None:
        topic = MEDIA_TOPICS.get(section.id)
        uri = {} if topic is None else {"uri": TOPICS + topic}
        item["subjects"] = [{"name": section.name, "literal": section.id, **uri}]
    if regions := publication.regions_of(line):
        item["places"] = [{"name": region.name, "literal": region.id} for region in regions]
    if line.coverage is not None:
        page = {"uri": publication.story_page(line.coverage)} if publication.base else {}
        item["events"] = [{"name": line.coverage, **page}]
    if line.url is not None:
        item["associations"] = [{"name": line.url, "uri": line.url, "rel": "seeAlso"}]
    return item


def _removed(publication: Publication, removed: Removed) -> dict[str, object]:
    item: dict[str, object] = {
        "uri": publication.id_of(removed.id),
        "standard": _STANDARD,
        "type": "text",
        "versionCreated": rfc3339(removed.at),
    }
    if removed.status is Removal.EXPIRED:
        return {**item, "pubStatus": "usable", "expires": rfc3339(removed.at)}
    return {**item, "pubStatus": removed.status.value}
