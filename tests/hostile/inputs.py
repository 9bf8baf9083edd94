# ruff: noqa: E501 -- tables of inputs
"""Inputs of hostile readers and editors: some almost valid, some not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

POSITIONS: Final = (
    *("", "0", "0-", "-", "1-0123456789abcdef", "3-" + "f" * 16, "9007199254740992-" + "0" * 16, "9" * 400 + "-" + "0" * 16),
    *("1-0123456789ABCDEF", "٣-0123456789abcdef", "1-0123456789abcdef\n", "+1-0123456789abcdef", "1e9-0123456789abcdef"),
)  # fmt: skip
TARGETS: Final = (
    *("/v1/en/live", "/v1/en/events", "/v1/en/lines", "/v1/en/board", "/v1/editions", "/metrics", "/readyz", "/en"),
    *("/", "*", "//", "/v1/../v1/en/live", "/v1/en/live/", "/v1//live", "/v1/%65n/live", "/v1/en%00/board", "/%", "/%ff"),
    *("http://h/v1/en/live", "h:443", "/v1/en/live#x", "/" + "a" * 5000, "/v1/" + "e" * 3000 + "/board", "/é"),
    *("/widget/ticker.js", "/widget/../../etc/passwd", "/widget/%2e%2e/%2e%2e/pyproject.toml", "/en/embed", "/xx/embed"),
)  # fmt: skip
FIELDS: Final = ("after", "before", "limit", "lines", "section", "region", "urgency", "page", "", "after[]", "\x00")
VALUES: Final = (
    *("", "1", "10", "100", "101", "-1", "0", "1e3", "9" * 5000, "٣", "%", "%zz", "%00", "%ff", "%ED%A0%80", "+", "politics"),
    *("gossip", "'; --", "<script>", "../../x", "\u202e", "&&&&", "a=b", "%26section=x", "politics,sports", "{{7*7}}"),
)  # fmt: skip
HEADERS: Final = (
    *("Host: ticker.test", "Host: a\r\nHost: b", "Host:", "Connection: Upgrade", "Connection: close", "Connection: , ,"),
    *("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Upgrade: WebSocket", "Upgrade: h2c", "Upgrade: websocket, h2c"),
    *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"),
    *("Sec-WebSocket-Version: 8", "Sec-WebSocket-Protocol: ticker.v1", "Sec-WebSocket-Protocol: ,,\x7f"),
    *("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Origin: null", "Origin: https://evil.example"),
    *("Content-Length: 5", "Content-Length: -1", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 99999999999"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding:\tchunked", "Expect: 100-continue"),
    *("X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: ::1, nonsense,,", "X-Forwarded-For: " + "1," * 3000, "Forwarded: for=_x"),
    *("Last-Event-ID: 1-0123456789abcdef", "Last-Event-ID: \x80", "If-None-Match: *", "If-None-Match: " + '"x",' * 900),
    *("Accept-Encoding: gzip", "Range: bytes=0-", "Cookie: " + "a=b;" * 500, "X: y\r\n folded", "X : y", ": empty", "Bad\x00: x"),
)  # fmt: skip
METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS", "CONNECT", "DELETE", "PRI", "get", "GE T", "")
UPGRADE: Final = (
    "Host: ticker.test",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def one_of(choices: Sequence[T]) -> SearchStrategy[T]:
    """Like `sampled_from`, but without kilobytes of choices in its `repr`."""
    return st.integers(0, len(choices) - 1).map(lambda number: choices[number])


def queries() -> SearchStrategy[str]:
    right = st.sampled_from((("section", "politics"), ("lines", "3"), ("after", "0-" + "5e" * 8), ("urgency", "4")))
    pairs = st.tuples(one_of(FIELDS), one_of((*VALUES, *POSITIONS)) | st.text(max_size=30))
    return (
        st.lists(right, max_size=2)
        .flatmap(lambda base: st.lists(pairs, max_size=2).map(lambda more: [*base, *more]))
        .map(lambda found: "&".join(f"{name}={value}" for name, value in found))
    )


def request(method: str, target: str, version: str, headers: Sequence[str], body: bytes) -> bytes:
    """Return a request without checking any part of it."""
    head = "\r\n".join([f"{method} {target} HTTP/{version}", *headers])
    return head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def targets() -> SearchStrategy[str]:
    return st.builds(lambda path, query: f"{path}?{query}" if query else path, one_of(TARGETS), queries())


def requests() -> SearchStrategy[bytes]:
    """Return a strategy for any request, or an almost valid upgrade."""
    any_one = st.builds(
        lambda method, target, version, more, body: request(method, target, version, [HEADERS[0], *more], body),
        one_of(("GET", "GET", "GET", "GET", "HEAD", *METHODS)),
        targets(),
        one_of(("1.1", "1.1", "1.1", "1.1", "1.0", "0.9", "2.0", "x")),
        st.lists(one_of(HEADERS), max_size=2),
        one_of((b"", b"", b"", b"5\r\nhello\r\n0\r\n\r\n", b"hello", b"\r\n" * 50)) | st.binary(max_size=50),
    )
    upgrade = st.builds(
        lambda target, more, body: request("GET", target, "1.1", [*UPGRADE, *more], body),
        one_of(TARGETS[:4]) | targets(),
        st.lists(one_of(HEADERS), max_size=3),
        frames(),
    )
    return any_one | upgrade


OPCODES: Final = (0, 1, 2, 8, 9, 10)


def frame(opcode: int, payload: bytes, fin: bool) -> bytes:
    """Return a client's frame, valid or not. The mask is four zeros."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    return bytes([(0x80 if fin else 0) | opcode]) + size + b"\0\0\0\0" + payload


def frames() -> SearchStrategy[bytes]:
    """Return a strategy for a client's frames. Some have wrong bits, opcodes, lengths, masks or fragments."""
    whole = st.builds(
        frame,
        one_of(OPCODES),
        st.binary(max_size=200) | one_of((b"\x03\xe8", b"\x03", b"\x03\xed", b"x" * 5000)),
        st.booleans(),
    )
    broken = st.builds(
        lambda first, second, rest: bytes([first, second]) + rest,
        st.integers(0, 255),
        st.integers(0, 255),
        st.binary(max_size=40) | one_of((b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x00" * 8)),
    )
    return st.lists(whole | broken | st.binary(max_size=20), max_size=6).map(b"".join)


def conversations() -> SearchStrategy[list[bytes]]:
    """Return a strategy for the data of one connection, in pieces: pipelined requests, some of them damaged."""
    joined = st.lists(requests() | st.binary(max_size=60), min_size=1, max_size=4).map(b"".join)
    damaged = st.builds(_damage, joined, st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3))
    return st.builds(_cut, joined | joined | damaged, st.lists(st.integers(0, 6000), max_size=5))


def _damage(data: bytes, places: Sequence[tuple[int, int]]) -> bytes:
    damaged = bytearray(data or b" ")
    for place, byte in places:
        damaged[place % len(damaged)] = byte
    return bytes(damaged)


def _cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    cuts = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(cuts)]


# Inboxes

_NASTY: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1e999, 10**30, "", "x", "\x00", "\ud800", "a" * 7000, [], {}, [[]] * 50, {"a": {"b": 1}}),
    *("2026-11-24T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24", "tomorrow"),
    *("e" + "\u0301" * 3000, "\u202e\u202e\u202e", "\u2066" * 500, "👩\u200d👩\u200d👧" * 100, "\u200f\u200b\u200c", "\ufdfa" * 300, "ﬃ" * 500),
    *("javascript:alert(1)", "http://[", "http://a@b/", "https://x.example/" + "a" * 3000, "//x", "http://\u202ehost/"),
    *("new", "update", "withdraw", "NEW", "en", "xx-" * 20, "ltr", "politics", "on-air", "k1", "maha"),
)  # fmt: skip
_KNOWN: Final = (
    *("key", "change", "deadline_s", "id", "version", "text", "split_attribution", "attribution", "lang", "dir", "urgency"),
    *("section", "regions", "coverage", "url", "expires_at", "pinned_until", "reason", "note"),
)  # fmt: skip
FORGED: Final = (
    *("editor", "author", "position", "seq", "link", "number", "created_at", "updated_at", "published_at", "status", "submitted_at"),
    *("entry", "line", "earlier_facets", "hidden_version", "receipt", "__class__", "type"),
)  # fmt: skip


def submissions() -> SearchStrategy[bytes]:
    """Return a strategy for data in an editor's inbox. Most of it is almost valid."""
    values = one_of(_NASTY) | st.text(max_size=300) | st.integers() | st.floats()
    right = st.fixed_dictionaries(
        {"key": st.text("abc", min_size=1, max_size=3), "change": one_of(("new", "update", "correct", "pin"))}
    )
    wrong = st.dictionaries(one_of((*_KNOWN, *FORGED)), values, max_size=5)
    documents = st.builds(lambda base, more: {"text": "A line", **base, **more}, right, wrong)
    encoded = documents.map(lambda document: json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    raw = st.binary(max_size=200) | one_of((b"[" * 9000, b'{"key":' * 2000, b'"' + b"\\u0301" * 1300, b"\xff" * 9000))
    return encoded | encoded | raw
