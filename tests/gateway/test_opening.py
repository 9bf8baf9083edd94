"""The usual requests for a live edition are read without llhttp, and mean the same to both. No transport."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.gateway.admission import Refusal
from ticker.gateway.framing import Framing
from ticker.gateway.opening import parse_opening

SOCKET = (
    b"GET /v1/en/live?after=7-0123456789abcdef HTTP/1.1\r\nHost: ticker.test\r\nUpgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
EVENTS = b"GET /v1/en/events HTTP/1.1\r\nHost: ticker.test\r\nAccept: text/event-stream\r\n\r\n"


class Parsed:
    """The request that llhttp reads in some bytes."""

    def __init__(self, data: bytes) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.requests = 0
        self.upgrades = False
        self.parsed = len(data)
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.upgrades, self.parsed = True, upgrade.args[0]
        assert (parser.get_method(), parser.get_http_version()) == (b"GET", "1.1")

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip()))

    def on_body(self, body: bytes) -> None:
        raise AssertionError(f"a request for a live edition has the body {body!r}")

    def on_message_complete(self) -> None:
        self.requests += 1


def assert_means_the_same(data: bytes) -> None:
    """Check that llhttp reads the same request, if this one is read without it."""
    try:
        opening = parse_opening(data)
    except Refusal:
        return  # `Connection` refuses it again
    if opening is None:
        return
    parsed = Parsed(data)
    assert (parsed.requests, parsed.parsed) == (1, len(data))
    assert parsed.url == data.split(b" ")[1]
    for name, _ in parsed.headers:
        assert opening.headers.raw(name) == [value for other, value in parsed.headers if other == name]
    assert parsed.upgrades == (opening.target.framing is Framing.WEBSOCKET)


def test_usual_requests_are_read() -> None:
    socket, events = parse_opening(SOCKET), parse_opening(EVENTS)
    assert socket is not None
    assert socket.target == ("en", Framing.WEBSOCKET, "after=7-0123456789abcdef")
    assert socket.headers.one(b"sec-websocket-version") == "13"
    assert events is not None
    assert events.target == ("en", Framing.EVENTS, "")
    assert_means_the_same(SOCKET)
    assert_means_the_same(EVENTS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\n\r\n", b"\r\n"),
        (b"\r\n\r\n", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"GET ", b"POST "),
        (b"GET ", b"GET  "),
        (b"GET ", b"\r\nGET "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Host: ", b"Host : "),
        (b"Host: ", b"Host: \r\n "),
        (b"ticker.test", b"ticker.test\0"),
        (b"ticker.test", b"ticker.t\xc3\xa9st"),
        (b"ticker.test\r\n", b"ticker.test\n"),
        (b"/v1/en/", b"http://ticker.test/v1/en/"),
        (b"/v1/en/", b"/v1/\xc3\xa9/"),
        (b"/v1/en/", b"/v2/en/"),
        (b"/live", b"/events"),
        (b"websocket", b"h2c"),
        (b"keep-alive, Upgrade", b"keep-alive"),
    ],
)
def test_everything_unusual_is_left_to_llhttp(old: bytes, new: bytes) -> None:
    assert parse_opening(SOCKET.replace(old, new, 1)) is None


@pytest.mark.parametrize("host", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a/b\r\n"])
def test_request_without_one_valid_host_is_refused(host: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        parse_opening(SOCKET.replace(b"Host: ticker.test\r\n", host))
    assert (caught.value.status, caught.value.code) == (400, "host")


PIECES = st.sampled_from(
    [
        *(b"GET ", b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", b"/v1/en/live", b"/v1/en/events", b"?a=%20", b"#", b" ", b"\t"),
        *(b"Host: a\r\n", b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n", b"Content-Length: 3\r\n", b"abc"),
        *(b"Connection: close\r\n", b"X:\r\n", b"X: \t y \t\r\n", b"X: a:b\r\n", b"Expect: 100-continue\r\n"),
        *(b"Upgrade: h2c, websocket\r\n", b"Transfer-Encoding: chunked\r\n", b": x\r\n", b"\r\n", b"\n", b"\r", b"\0"),
    ]
)


@given(pieces=st.lists(PIECES, max_size=8), place=st.integers(0, 8), removed=st.integers(0, 8))
def test_what_is_read_without_llhttp_means_the_same_to_it(pieces: list[bytes], place: int, removed: int) -> None:
    for request in (SOCKET, EVENTS):
        lines = request.splitlines(keepends=True)
        del lines[removed : removed + 1]
        assert_means_the_same(b"".join([*lines[:place], *pieces, *lines[place:]]))
        assert_means_the_same(request + b"".join(pieces))
    assert_means_the_same(b"".join([b"GET /v1/en/live HTTP/1.1\r\n", *pieces, b"\r\n"]))
