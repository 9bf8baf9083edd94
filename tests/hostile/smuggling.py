# ruff: noqa: E501 -- a table of inputs
"""Requests that are hidden behind others, with the statuses that the gateway must answer."""

from __future__ import annotations

UPGRADE = (
    "GET /v1/en/live HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
HIDDEN = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"
"""The smuggled request. Its response contains MARK, which no other response does."""

MARK = b"python_info"
LENGTH = f"Content-Length: {len(HIDDEN)}\r\n"
CHUNKED = f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"

CASES: dict[str, tuple[str, list[int]]] = {
    # behind an upgrade: the bytes are broken frames now
    "behind an upgrade": (f"{UPGRADE}\r\n{HIDDEN}", [101]),
    "as an upgrade's body": (f"{UPGRADE}{LENGTH}\r\n{HIDDEN}", [400]),
    "as an upgrade's chunk": (f"{UPGRADE}Transfer-Encoding: chunked\r\n\r\n{CHUNKED}", [400]),
    "behind an upgrade that is refused": (f"{UPGRADE.replace('/en/', '/xx/')}\r\n{HIDDEN}", [404]),
    "behind an upgrade that isn't one": (f"{UPGRADE.replace('/v1/en/live', '/v1/en/board')}\r\n{HIDDEN}", [404]),
    "behind an upgrade without a key": (f"{UPGRADE.replace('Sec-WebSocket-Key', 'X')}\r\n{HIDDEN}", [400]),
    "behind an upgrade of another version": (f"{UPGRADE.replace('13', '8')}\r\n{HIDDEN}", [426]),
    "behind an upgrade by POST": (f"{UPGRADE.replace('GET', 'POST')}{LENGTH}\r\n{HIDDEN}", [400]),
    "behind an upgrade in HTTP/1.0": (f"{UPGRADE.replace('HTTP/1.1', 'HTTP/1.0')}\r\n{HIDDEN}", [426]),
    "behind an upgrade to an absolute address": (f"{UPGRADE.replace('GET /', 'GET http://h/')}\r\n{HIDDEN}", [101]),
    "behind a stream of events": (f"GET /v1/en/events HTTP/1.1\r\nHost: h\r\n\r\n{HIDDEN}", [200]),
    "as the body of a stream of events": (f"GET /v1/en/events HTTP/1.1\r\nHost: h\r\n{LENGTH}\r\n{HIDDEN}", [200]),
    "an upgrade behind a stream of events": (f"GET /v1/en/events HTTP/1.1\r\nHost: h\r\n\r\n{UPGRADE}\r\n", [200]),
    "two upgrades": (f"{UPGRADE}\r\n{UPGRADE}\r\n", [101]),
    # lengths that two servers could interpret differently
    "two lengths": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n{LENGTH}\r\n{HIDDEN}", [400]),
    "a length and chunks": (f"GET /healthz HTTP/1.1\r\nHost: h\r\n{LENGTH}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}", [400]),
    "chunks and a length": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n{LENGTH}\r\n0\r\n\r\n{HIDDEN}", [400]),
    "a space before the colon": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length : 9\r\n\r\n{HIDDEN}", [400]),
    "a length with a sign": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n{HIDDEN}", [400]),
    "a length in hex": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n{HIDDEN}", [400]),
    "chunks that aren't last": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n{HIDDEN}", [400]),
    "a coding nobody knows": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n{HIDDEN}", [400]),
    "a chunk with a sign": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{HIDDEN}", [400]),
    "a folded header": ("GET /healthz HTTP/1.1\r\nHost: h\r\nX: a\r\n Content-Length: 9\r\n\r\n", [400]),
    "bare returns": (f"GET /healthz HTTP/1.1\rHost: h\r\r{HIDDEN}", [400]),
    "a NUL in a header": ("GET /healthz HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", [400]),
    "a space in the target": ("GET /healthz /metrics HTTP/1.1\r\nHost: h\r\n\r\n", [400]),
    "HTTP/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "chunks in HTTP/1.0": (f"POST /healthz HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}", [405]),
    "a list of equal lengths": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: {len(HIDDEN)}, {len(HIDDEN)}\r\n\r\n{HIDDEN}", [400]),
    # a host that two servers could choose differently
    "two hosts": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n{HIDDEN}", [400]),
    "no host": (f"GET /healthz HTTP/1.1\r\n\r\n{HIDDEN}", [400]),
    "a host with a path": (f"GET /healthz HTTP/1.1\r\nHost: h/metrics\r\n\r\n{HIDDEN}", [400]),
    "two hosts in an upgrade": (f"{UPGRADE}Host: other\r\n\r\n{HIDDEN}", [400]),
    "an upgrade without a host": (f"{UPGRADE.replace('Host: h', 'X: h')}\r\n{HIDDEN}", [400]),
    "a user in the target": (f"GET http://h@other/healthz HTTP/1.1\r\nHost: h\r\n\r\n{HIDDEN}", [400]),
    "a target of another scheme": (f"GET ftp://h/healthz HTTP/1.1\r\nHost: h\r\n\r\n{HIDDEN}", [400]),
    "a tunnel": (f"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n{HIDDEN}", [405]),
    "behind HEAD of events": (f"HEAD /v1/en/events HTTP/1.1\r\nHost: h\r\n\r\n{HIDDEN}", [200]),
    "behind an upgrade in two headers": (f"{UPGRADE}Connection: keep-alive\r\n\r\n{HIDDEN}", [101]),
    "behind an upgrade with a percent sign": (f"{UPGRADE.replace('/en/', '/%65n/')}\r\n{HIDDEN}", [101]),
    # h2c: a proxy could read the following bytes as another protocol; the gateway stays with HTTP/1.1 and ignores them
    "an upgrade to h2c": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n{HIDDEN}", [200]),
}  # fmt: skip
