"""The head of a request is checked before anything else looks at it. No transport."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.gateway.admission import Refusal
from ticker.gateway.request_head import Headers, has_body, normalize_head, requests_websocket

HOST = (b"host", b"ticker.test")
UPGRADE = (b"upgrade", b"websocket")


def normalized(target: bytes, *headers: tuple[bytes, bytes], version: str = "1.1") -> tuple[bytes, list[bytes]]:
    """Return the target in origin form, and the hosts that the headers name afterwards."""
    changed = list(headers)
    origin_form = normalize_head(b"GET", version, target, Headers(changed))
    return origin_form, [value for name, value in changed if name == b"host"]


def refused(target: bytes, *headers: tuple[bytes, bytes], method: bytes = b"GET") -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        normalize_head(method, "1.1", target, Headers(list(headers)))
    return caught.value.status, caught.value.code


def test_path_stays_as_it_is() -> None:
    assert normalized(b"/v1/en/live?after=x#y", HOST) == (b"/v1/en/live?after=x#y", [b"ticker.test"])


@pytest.mark.parametrize(
    ("target", "expected", "host"),
    [
        (b"http://news.example/v1/en/live?lines=3", b"/v1/en/live?lines=3", b"news.example"),
        (b"HTTPS://news.example:8443/en", b"/en", b"news.example:8443"),
        (b"http://news.example", b"/", b"news.example"),
        (b"http://news.example?lines=3", b"/?lines=3", b"news.example"),
        (b"http://[2001:db8::1]:80/en", b"/en", b"[2001:db8::1]:80"),
    ],
)
def test_absolute_target_becomes_a_path_and_replaces_the_host(target: bytes, expected: bytes, host: bytes) -> None:
    assert normalized(target, (b"accept", b"*/*"), HOST) == (expected, [host])


@pytest.mark.parametrize(
    "target",
    [b"http:///en", b"http://me@news.example/en", b"ftp://h/en", b"ws://h/en", b"h:443", b"en", b"http://a b/", b"//h"],
)
def test_target_without_a_path_or_with_an_invalid_host_is_refused(target: bytes) -> None:
    if target == b"//h":  # a path that begins with an empty segment
        assert normalized(target, HOST)[0] == target
    else:
        assert refused(target, HOST) == (400, "target")


@pytest.mark.parametrize(("method", "target"), [(b"CONNECT", b"h:443"), (b"OPTIONS", b"*"), (b"GET", b"*")])
def test_targets_of_other_methods_are_refused_as_their_method(method: bytes, target: bytes) -> None:
    assert refused(target, HOST, method=method) == (405, "method")


def test_request_has_exactly_one_host() -> None:
    assert refused(b"/") == (400, "host")
    assert refused(b"/", HOST, HOST) == (400, "host")
    assert refused(b"/", HOST, (b"host", b"evil.example")) == (400, "host")
    assert refused(b"http://h/", HOST, HOST) == (400, "host")


def test_http_1_0_needs_no_host() -> None:
    assert normalized(b"/", version="1.0") == (b"/", [])


@pytest.mark.parametrize("host", [b"", b"h", b"h:", b"h:80", b"192.0.2.1:80", b"[::1]", b"[::1]:80", b" h "])
def test_valid_host_is_accepted(host: bytes) -> None:
    assert normalized(b"/", (b"host", host))[0] == b"/"


@pytest.mark.parametrize(
    "host", [b"a b", b"a/b", b"me@h", b"a,b", b"h:80:80", b"h:http", b"[::1", b"h\xff", b"a?b", b"<h>"]
)
def test_invalid_host_is_refused(host: bytes) -> None:
    if host == b"a,b":  # a comma is valid in a name (RFC 3986, 3.2.2)
        assert normalized(b"/", (b"host", host))[0] == b"/"
    else:
        assert refused(b"/", (b"host", host)) == (400, "host")


@given(st.binary(max_size=80), st.lists(st.binary(max_size=40), max_size=3))
def test_any_head_becomes_a_path_or_is_refused(target: bytes, hosts: list[bytes]) -> None:
    answer: bytes | Refusal
    try:
        answer, _ = normalized(target, *((b"host", host) for host in hosts))
    except Refusal as refusal:
        answer = refusal
    if isinstance(answer, Refusal):
        assert (answer.status in (400, 405), len(answer.detail) < 400) == (True, True)
    else:
        assert answer.startswith(b"/")


@pytest.mark.parametrize(
    "headers",
    [
        [UPGRADE, (b"connection", b"Upgrade")],
        [UPGRADE, (b"connection", b"keep-alive, UPGRADE")],
        [UPGRADE, (b"connection", b"keep-alive"), (b"connection", b"upgrade")],
        [UPGRADE, (b"connection", b"upgrade"), (b"connection", b"keep-alive")],
        [(b"upgrade", b"h2c, WebSocket"), (b"connection", b"upgrade")],
        [(b"upgrade", b"websocket"), (b"upgrade", b"h2c"), (b"connection", b"upgrade")],
    ],
)
def test_lists_of_options_may_be_spread_over_headers(headers: list[tuple[bytes, bytes]]) -> None:
    assert requests_websocket("1.1", Headers(headers))
    assert not requests_websocket("1.0", Headers(headers)), "HTTP/1.0 has no upgrade"


@pytest.mark.parametrize(
    "headers",
    [
        [UPGRADE],
        [(b"connection", b"upgrade")],
        [UPGRADE, (b"connection", b"close")],
        [(b"upgrade", b"websocket2"), (b"connection", b"upgrade")],
        [UPGRADE, (b"connection", b"no-upgrade")],
    ],
)
def test_other_requests_ask_for_no_websocket(headers: list[tuple[bytes, bytes]]) -> None:
    assert not requests_websocket("1.1", Headers(headers))


def test_body_is_announced_by_its_length_or_its_coding() -> None:
    assert has_body(Headers([(b"content-length", b"5")]))
    assert has_body(Headers([(b"transfer-encoding", b"chunked")]))
    assert not has_body(Headers([(b"content-length", b"0"), HOST]))
