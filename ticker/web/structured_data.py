"""A board as schema.org's LiveBlogPosting in JSON-LD, for search engines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from ticker.core.edition import Edition
from ticker.core.line import Line, Status
from ticker.core.messages import rfc3339

_CONTEXT: Final = "https://schema.org"


def live_blog(edition: Edition, lines: Iterable[Line], address: str) -> bytes:
    """Return a LiveBlogPosting with the usable lines; `address` is the canonical address of the edition's page."""
    usable = [line for line in lines if line.status is Status.USABLE]
    posting: dict[str, object] = {
        "@context": _CONTEXT,
        "@type": "LiveBlogPosting",
        "@id": address,
        "url": address,
        "headline": edition.title,
        "inLanguage": edition.lang,
        "liveBlogUpdate": [_blog_post(line, address) for line in usable],
    }
    if usable:
        posting["datePublished"] = posting["coverageStartTime"] = rfc3339(min(line.created_at for line in usable))
        posting["dateModified"] = rfc3339(max(line.updated_at for line in usable))
    return msgspec.json.encode(posting)


def _blog_post(line: Line, address: str) -> dict[str, str]:
    text = f"{line.attribution}: {line.text}" if line.attribution else line.text
    post = {
        "@type": "BlogPosting",
        "@id": f"{address}#{line.id}",
        "headline": text,
        "articleBody": text,
        "inLanguage": line.lang,
        "datePublished": rfc3339(line.created_at),
        "dateModified": rfc3339(line.updated_at),
    }
    if line.url is not None:
        post["url"] = line.url
    if line.correction is not None:
        post["correction"] = line.correction
    return post
