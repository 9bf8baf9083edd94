"""HTTP caching: entity tags, conditional requests, and how long caches may keep an answer (RFC 9110, 8.8 and 13; 9111).

Every cacheable answer of the web application goes through `cacheable_response`: API, feeds, pages and files. So all of
them compare entity tags in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

LINES: Final = "public, max-age=1, must-revalidate"
"""`Cache-Control` of every answer that contains lines, also of old ones: any line can be withdrawn at any time.

So a withdrawn text leaves every cache within a second after the gateway got the withdrawal. Without `must-revalidate`,
a cache may serve a stale answer while the gateway fails. A content delivery network still saves almost all requests: it
revalidates with the entity tag, once per second and address.
"""
DOCUMENTS: Final = "public, max-age=300, must-revalidate"
"""`Cache-Control` of answers without lines, such as the description of the API."""
SETTLED: Final = timedelta(seconds=60)
"""How long an answer must have been unchanged before `Last-Modified` can validate it.

Times on the wire are whole seconds. Two gateways get an entry at different moments, and their clocks differ from the
desk's. So the entries of one second, such as a line and its withdrawal, may become visible one after the other with the
same time. After this period, no further entry can have that time (RFC 9110, 8.8.2.2, recommends 60 s). Entity tags
don't depend on the time.
"""
COMPRESSED_MIN: Final = 1024
"""The smallest answer in bytes that is compressed."""

_ENTITY_TAG: Final = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def etag_of(content: bytes) -> str:
    """Return the entity tag of `content`.

    It is a weak one, because the gzip middleware sends the same content in two encodings.
    """
    return f'W/"{sha256(content).hexdigest()[:32]}"'


def is_current(if_none_match: str, etag: str) -> bool:
    """Return whether the header `If-None-Match` names `etag`, by weak comparison (RFC 9110, 13.1.2).

    The header is `*` or a list of entity tags. Proxies may have marked any of them as weak.
    """
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in _ENTITY_TAG.findall(if_none_match)


def last_modified(modified_at: datetime | None, now: datetime) -> str | None:
    """Return the value of `Last-Modified` for an answer that changed last at `modified_at`.

    Return None if that is unknown or not settled (see `SETTLED`).
    """
    if modified_at is None or now - modified_at < SETTLED:
        return None
    return format_datetime(modified_at, usegmt=True)


def cacheable_response(
    request: Request, content: bytes, media_type: str, headers: Mapping[str, str], modified: str | None = None
) -> Response:
    """Return `content` with its validators, or 304 without a body if the client has that content.

    `headers` has to contain `Cache-Control`. A 304 carries the same headers as the full response. `modified` is the
    value of `Last-Modified`, from `last_modified`. A client without an entity tag has to return exactly this value.
    """
    etag = etag_of(content)
    validators = {"ETag": etag} if modified is None else {"ETag": etag, "Last-Modified": modified}
    tagged = {**validators, **headers}
    if not _has_content(request, etag, modified):
        return Response(content, headers=tagged, media_type=media_type)
    if len(content) >= COMPRESSED_MIN and "Content-Encoding" not in headers:
        # The gzip middleware adds this to the full response only (RFC 9110, 15.4.5).
        varies = [field.strip() for field in headers.get("Vary", "").split(",") if field]
        tagged["Vary"] = ", ".join([*varies, *({"Accept-Encoding"} - set(varies))])
    return Response(status_code=304, headers=tagged)


def _has_content(request: Request, etag: str, modified: str | None) -> bool:
    """Return whether the client has the content. `If-Modified-Since` counts only without tags (RFC 9110, 13.2.2)."""
    tags = request.headers.getlist("if-none-match")
    if tags:
        return is_current(", ".join(tags), etag)
    return modified is not None and request.headers.get("if-modified-since", "").strip() == modified
