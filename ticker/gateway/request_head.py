"""Check the head of an HTTP request (RFC 9112, 3) beyond what llhttp checks. Pure: no transport.

llhttp accepts any request target and any number of `Host` headers. A proxy in front of the gateway may choose another
host than the gateway would, so everything ambiguous is refused.
"""

from __future__ import annotations

import re
from typing import Final

from ticker.gateway.admission import Refusal

ALLOWED: Final = "GET, HEAD"
"""The methods that the gateway supports, for the header `Allow` (RFC 9110, 10.2.1)."""

_AUTHORITY: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
"""A host with an optional port (RFC 3986, 3.2), without user information."""
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)


class Headers:
    """The headers of a request. Names are in lower case, values as received."""

    __slots__ = ("_pairs", "_values")

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: bytes) -> bool:
        return name in self._values

    def replace(self, name: bytes, value: bytes) -> None:
        """Set a header to one value, also in the list that this object was made of."""
        self._pairs[:] = [(name, value), *(pair for pair in self._pairs if pair[0] != name)]
        self._values[name] = [value]

    def raw(self, name: bytes) -> list[bytes]:
        """Return all values of a header, as received."""
        return self._values.get(name, [])

    def all(self, name: bytes) -> list[str]:
        """Return all values of a header."""
        values = self._values.get(name)
        return [value.decode("latin-1") for value in values] if values else []

    def one(self, name: bytes) -> str | None:
        """Return the value of a header, or None if it is missing or repeated."""
        values = self._values.get(name)
        return values[0].decode("latin-1").strip() if values is not None and len(values) == 1 else None

    def tokens(self, name: bytes) -> list[str]:
        """Return the comma-separated parts of a header."""
        return [part.strip() for value in self.all(name) for part in value.split(",")]


def normalize_head(method: bytes, version: str, target: bytes, headers: Headers) -> bytes:
    """Return the request target in origin form, a path with a query. Set `Host` to the host of an absolute target.

    Raises:
        Refusal: 400 for a target or a `Host` that is missing, repeated or invalid; 405 for the methods whose targets
            aren't paths.

    """
    hosts = [value.strip() for value in headers.raw(b"host")]
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
    headers.replace(b"host", absolute[1])
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def method_refusal() -> Refusal:
    """Return the refusal of a method that the gateway doesn't support."""
    return Refusal(405, "method", "only GET and HEAD are allowed")


def requests_websocket(version: str, headers: Headers) -> bool:
    """Return whether a request asks for a WebSocket: `Connection` has `upgrade`, and `Upgrade` has `websocket`.

    Both headers are lists, which may be spread over several lines. Upgrades need HTTP/1.1 (RFC 9110, 7.8).
    """
    if version == "1.1" and headers.raw(b"connection") == [b"Upgrade"] and headers.raw(b"upgrade") == [b"websocket"]:
        return True  # as browsers and most clients write it: the rest takes four times as long
    return (
        version == "1.1"
        and _has_token(headers, b"connection", b"upgrade")
        and _has_token(headers, b"upgrade", b"websocket")
    )


def has_body(headers: Headers) -> bool:
    """Return whether a request announces a body."""
    if b"transfer-encoding" in headers:
        return True
    return b"content-length" in headers and any(value.strip(b" \t0") != b"" for value in headers.raw(b"content-length"))


def _has_token(headers: Headers, name: bytes, token: bytes) -> bool:
    return any(part.strip().lower() == token for value in headers.raw(name) for part in value.split(b","))


def _shown(value: bytes) -> str:
    return ascii(value[:60].decode("latin-1"))
