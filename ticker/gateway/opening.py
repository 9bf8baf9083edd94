"""Recognize the request with which a reader opens a live edition. Pure: no transport, no clock.

Almost every request of this kind is one piece of plain HTTP/1.1. This module reads those, and only those: whatever is
unusual is left to llhttp, with the same answers. That matters when thousands of followers reconnect together: llhttp
calls Python once per header, and uvicorn makes an object with 40 attributes per connection.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ticker.gateway.framing import Framing
from ticker.gateway.handshake import Target, parse_target
from ticker.gateway.request_head import Headers, normalize_head, requests_websocket

_HEAD: Final = re.compile(
    rb"GET (/v1/[0-9A-Za-z/_.~?&=%,:+*@!$;-]*) HTTP/1\.1\r\n"
    rb"((?:[0-9A-Za-z!#$%&'*+.^_`|~-]+:[\t -~]*\r\n)+)\r\n"
)
"""A complete head, with nothing after it. Every character in it means the same to each parser of HTTP."""


class Opening(NamedTuple):
    """A request for a live edition: a complete and valid head, and nothing after it."""

    target: Target
    headers: Headers


def parse_opening(data: bytes) -> Opening | None:
    """Return the request in `data`, or None if it isn't a complete and usual request for a live edition.

    Raises:
        Refusal: As `normalize_head`.

    """
    head = _HEAD.fullmatch(data)
    if head is None:
        return None
    url, lines = head.groups()
    target = parse_target(url)
    if target is None:
        return None
    pairs = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        pairs.append((name.lower(), value.strip()))
    headers = Headers(pairs)
    is_websocket = requests_websocket("1.1", headers)
    if is_websocket != (target.framing is Framing.WEBSOCKET) or _has_length(headers):
        return None
    normalize_head(b"GET", "1.1", url, headers)
    return Opening(target, headers)


def _has_length(headers: Headers) -> bool:
    """Return whether a request gives the length of a body, even if that is 0."""
    return b"content-length" in headers or b"transfer-encoding" in headers
