"""Conditional requests: entity tags, and 304 for a client that already has the current content (RFC 9110, 8.8 and 13).

Every cacheable answer of the web application goes through `cacheable_response`, so that all of them compare entity
tags in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

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


def cacheable_response(request: Request, content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return `content` with its entity tag, or 304 without a body if the client has that content.

    `headers` has to contain `Cache-Control`. A 304 carries the same headers as the full response.
    """
    etag = etag_of(content)
    tagged = {"ETag": etag, **headers}
    if is_current(", ".join(request.headers.getlist("if-none-match")), etag):
        return Response(status_code=304, headers=tagged)
    return Response(content, headers=tagged, media_type=media_type)
