"""Check the head of an HTTP request (RFC 9112, 3) beyond what llhttp checks. Pure: no transport.

llhttp accepts any request target and any number of `Host` headers. A proxy in front of the gateway may choose another
host than the gateway would, so everything ambiguous is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from ticker.gateway.admission import Refusal

Headers: TypeAlias = list[tuple[bytes, bytes]]

ALLOWED: Final = "GET, HEAD"
"""The methods that the gateway supports, for the header `Allow` (RFC 9110, 10.2.1)."""

_AUTHORITY: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
"""A host with an optional port (RFC 3986, 3.2), without user information."""
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)


def normalize_head(method: bytes, version: str, target: bytes, headers: Headers) -> bytes:
    """Return the request target in origin form, a path with a query. Set `Host` to the host of an absolute target.

    `headers` are those of the request, with names in lower case.

    Raises:
        Refusal: 400 for a target or a `Host` that is missing, repeated or invalid; 405 for the methods whose targets
            aren't paths.

    """
    hosts = [value.strip() for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise Refusal(400, "host", f"there must be one header `Host`, and there are {len(hosts)}")
    if hosts and hosts[0] and not _AUTHORITY.fullmatch(hosts[0]):
        raise Refusal(400, "host", f"Host {_shown(hosts[0])} is not a host with an optional port")
    if target.startswith(b"/"):
        return target
    if method == b"CONNECT" or target == b"*":
        raise method_refusal()
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _AUTHORITY.fullmatch(absolute[1]):
        raise Refusal(400, "target", f"the target {_shown(target)} is neither a path nor an http URL")
    # The header must be ignored then (RFC 9112, 3.2.2).
    headers[:] = [(b"host", absolute[1]), *(header for header in headers if header[0] != b"host")]
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def method_refusal() -> Refusal:
    """Return the refusal of a method that the gateway doesn't support."""
    return Refusal(405, "method", "only GET and HEAD are allowed")


def requests_websocket(version: str, headers: Headers) -> bool:
    """Return whether a request asks for a WebSocket: `Connection` has `upgrade`, and `Upgrade` has `websocket`.

    Both headers are lists, which may be spread over several lines. HTTP/1.0 has no upgrade (RFC 9110, 7.8).
    """
    return (
        version == "1.1"
        and b"upgrade" in _tokens(headers, b"connection")
        and b"websocket" in _tokens(headers, b"upgrade")
    )


def has_body(headers: Headers) -> bool:
    """Return whether a request announces a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" \t0") != b"")
        for name, value in headers
    )


def _tokens(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> set[bytes]:
    return {part.strip().lower() for key, value in headers if key == name for part in value.split(b",")}


def _shown(value: bytes) -> str:
    return ascii(value[:60].decode("latin-1"))
