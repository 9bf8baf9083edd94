"""Lines as schema.org's LiveBlogPosting and BlogPosting in JSON-LD, for search engines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ticker.core.line import Line, Status
from ticker.core.messages import rfc3339
from ticker.formats.publication import Publication
from ticker.formats.texts import headline

_CONTEXT: Final = "https://schema.org"
QUIET: Final = timedelta(hours=12)
"""How long after its last change a story counts as still covered (`coverageEndTime`)."""


def live_blog(publication: Publication, lines: Sequence[Line], now: datetime, *, story: str | None = None) -> bytes:
    """Return a LiveBlogPosting with the usable lines, for the edition's page or for the page of a `story`.

    The notices of withdrawn lines are corrections of the whole posting: an update needs a text, and they have none.
    Only the posting of a story has a `coverageEndTime`, because an edition never ends.
    """
    usable = [line for line in lines if line.status is Status.USABLE]
    address = publication.page if story is None else publication.story_page(story)
    posting: dict[str, object] = {
        "@context": _CONTEXT,
        "@type": "LiveBlogPosting",
        "@id": address,
        "url": address,
        "mainEntityOfPage": address,
        "headline": story or publication.edition.title,
        "inLanguage": publication.edition.lang,
        **_origin(publication),
    }
    if story is not None:
        posting["about"] = {"@type": "Event", "name": story}
    if usable:
        changed = max(line.updated_at for line in lines)
        posting["datePublished"] = posting["coverageStartTime"] = rfc3339(min(line.created_at for line in usable))
        posting["dateModified"] = rfc3339(changed)
        if story is not None:
            is_over = changed + QUIET <= now
            posting["coverageEndTime"] = rfc3339(changed if is_over else changed + QUIET)
    if notices := [_notice(publication, line) for line in lines if line.status is Status.CANCELED]:
        posting["correction"] = notices
    posting["liveBlogUpdate"] = [_post(publication, line, address) for line in usable]
    return msgspec.json.encode(posting)


def blog_post(publication: Publication, line: Line) -> bytes:
    """Return a BlogPosting for the page of a usable line."""
    address = publication.page_of(line.id)
    post = {**_post(publication, line, address), "@id": address, "url": address, "mainEntityOfPage": address}
    return msgspec.json.encode({"@context": _CONTEXT, **post})


def _post(publication: Publication, line: Line, page: str) -> dict[str, object]:
    text = headline(line, publication.words)
    post: dict[str, object] = {
        "@type": "BlogPosting",
        "@id": publication.page_of(line.id),
        "url": f"{page}#{line.id}",
        "headline": text,
        "articleBody": text,
        "inLanguage": line.lang,
        "datePublished": rfc3339(line.created_at),
        "dateModified": rfc3339(line.updated_at),
        **_origin(publication),
    }
    if line.url is not None:
        post["citation"] = line.url
    if line.correction is not None:
        post["correction"] = {
            "@type": "CorrectionComment",
            "text": line.correction,
            "datePublished": rfc3339(line.updated_at),
        }
    return post


def _notice(publication: Publication, line: Line) -> dict[str, object]:
    address = publication.page_of(line.id)
    return {
        "@type": "CorrectionComment",
        "@id": address,
        "url": address,
        "text": headline(line, publication.words),
        "inLanguage": line.lang,
        "datePublished": rfc3339(line.updated_at),
    }


def _origin(publication: Publication) -> dict[str, object]:
    """Return the fields `publisher`, `author` and `image` of a posting.

    The author is the publisher, because feeds and pages never contain an editor's name.
    """
    edition = publication.edition
    publisher: dict[str, object] = {
        "@type": "NewsMediaOrganization",
        "name": publication.publisher,
        "url": publication.page,
    }
    if edition.logo is not None:
        publisher["logo"] = {"@type": "ImageObject", "url": edition.logo}
    origin: dict[str, object] = {"publisher": publisher, "author": publisher}
    if edition.image is not None:
        origin["image"] = edition.image
    return origin
