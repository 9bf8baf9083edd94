"""Requests for live editions are parsed, and responses are built. No transport."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.log_window import Reset
from ticker.core.position import Position
from ticker.core.selection import Selection
from ticker.gateway.admission import Refusal
from ticker.gateway.frame_cache import StreamOptions
from ticker.gateway.framing import Framing
from ticker.gateway.handshake import (
    Request,
    answer_key,
    check_origin,
    events_response,
    parse_fields,
    parse_request,
    parse_target,
    websocket_response,
)
from ticker.gateway.problems import refusal_response
from ticker.gateway.request_head import Headers

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
SAMPLE = [(b"sec-websocket-key", KEY), (b"sec-websocket-version", b"13")]
POSITION = "7-0123456789abcdef"


def asked(query: str, last_event_id: str | None = None) -> Request:
    return parse_request(ENGLISH, Framing.WEBSOCKET, query, last_event_id)


def refused(query: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        asked(query)
    return caught.value


def test_live_paths_are_targets() -> None:
    assert parse_target(b"/v1/en/live?lines=3") == ("en", Framing.WEBSOCKET, "lines=3")
    assert parse_target(b"/v1/ar/events") == ("ar", Framing.EVENTS, "")


def test_encoded_letters_are_the_letters() -> None:
    assert parse_target(b"/v1/%65n/%6Cive?lines=%33") == ("en", Framing.WEBSOCKET, "lines=%33")


@pytest.mark.parametrize(
    "url",
    [
        b"", b"/", b"/v1/en", b"/v1/en/live/", b"/v1/en/board", b"/v2/en/live", b"v1/en/live", b"//v1/en/live",
        b"/v1/en/extra/live", b"*", b"/v1/e\xff/live", b"/v1/e%ff/live", b"/V1/en/live",
    ],
)  # fmt: skip
def test_other_paths_are_not_targets(url: bytes) -> None:
    assert parse_target(url) is None


def test_empty_query_selects_everything_and_the_editions_board_size() -> None:
    assert asked("") == Request(StreamOptions(Selection(), ENGLISH.board_lines, Framing.WEBSOCKET), None)


@pytest.mark.parametrize(
    ("query", "language"), [("lang=es", "es"), ("lang=AR-eg", "ar"), ("lang=en-GB", ""), ("lang=fr", ""), ("lang=", "")]
)
def test_words_have_the_language_of_the_request(query: str, language: str) -> None:
    assert asked(query).options.language == language


def test_words_have_the_language_of_the_edition_by_default() -> None:
    edition = DEFAULT_EDITIONS["ar"]
    assert parse_request(edition, Framing.WEBSOCKET, "").options.language == "ar"
    assert parse_request(edition, Framing.WEBSOCKET, "lang=en").options.language == ""


def test_order_of_the_query_does_not_matter() -> None:
    one = asked("section=sports&region=asia&section=health&section=sports&region=africa")
    other = asked("region=africa&region=asia&section=health&section=sports")
    assert one.options == other.options
    assert hash(one.options) == hash(other.options)


def test_position_is_parsed() -> None:
    assert asked(f"after={POSITION}").after == Position.parse(POSITION)


def test_malformed_position_requests_a_board_with_the_reason() -> None:
    assert asked("after=yesterday").after is Reset.MALFORMED


def test_empty_position_counts_as_none() -> None:
    assert asked("after=").after is None


def test_last_event_id_wins_over_the_position_in_the_url() -> None:
    """A browser that reconnects an EventSource requests the same URL."""
    assert asked(f"after={POSITION}", "9-0123456789abcdef").after == Position(9, "0123456789abcdef")
    assert asked(f"after={POSITION}", "").after == Position.parse(POSITION)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lines=0", "lines"), ("lines=101", "lines"), ("lines=1&lines=2", "lines"), ("lines=%D9%A3", "lines"),
        ("lines=", "lines"), ("lines=-1", "lines"), ("lines=1e1", "lines"), ("lines=" + "9" * 5000, "lines"),
        ("section=gossip", "section"), ("section=", "section"), ("section=Sports", "section"),
        ("region=atlantis", "region"), ("urgency=0", "urgency"), ("urgency=10", "urgency"),
        ("urgency=1&urgency=2", "urgency"), ("after=x&after=y", "after"), ("page=2", "parameter"),
        ("=x", "parameter"), ("section=%FF", "parameter"), ("&".join(["section=sports"] * 33), "parameter"),
    ],
)  # fmt: skip
def test_invalid_value_is_refused_with_its_field(query: str, code: str) -> None:
    refusal = refused(query)
    assert (refusal.status, refusal.code) == (400, code)


@given(st.text(max_size=200))
def test_any_query_is_parsed_or_refused(query: str) -> None:
    refusal = None
    try:
        asked(query)
    except Refusal as error:
        refusal = error
    assert refusal is None or (refusal.status == 400 and len(refusal.detail) < 1000)


@given(st.binary(max_size=100))
def test_any_target_is_parsed_or_none(url: bytes) -> None:
    parse_target(url)


def test_fields_keep_all_their_values() -> None:
    assert parse_fields("a=1&b=%20&a=2") == {"a": ["1", "2"], "b": [" "]}


def response_of(headers: Headers, extension: str | None) -> bytes:
    key, head, tail = websocket_response(headers, extension)
    return head + answer_key(key) + tail


def test_sample_handshake_of_rfc_6455_gets_its_response() -> None:
    response = response_of(Headers(SAMPLE), None)
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response
    assert response.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert response.endswith(b"\r\n\r\n")
    assert b"Protocol" not in response.partition(b"\r\n")[2]


def test_only_our_subprotocol_is_selected() -> None:
    offered = [*SAMPLE, (b"sec-websocket-protocol", b"chat, ticker.v1"), (b"sec-websocket-protocol", b"other")]
    assert b"Sec-WebSocket-Protocol: ticker.v1\r\n" in response_of(Headers(offered), None)
    assert b"Protocol: " not in response_of(Headers([*SAMPLE, (b"sec-websocket-protocol", b"ticker.v2")]), None)


def test_negotiated_extension_is_in_the_response() -> None:
    assert b"xtensions" not in response_of(Headers(SAMPLE), None)
    response = response_of(Headers(SAMPLE), "permessage-deflate; server_no_context_takeover")
    assert b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n" in response


@pytest.mark.parametrize(
    "key",
    [b"", b"AAAA", KEY[:-1], KEY + b"A", KEY[:-2] + b"!=", b"dGhlIHNhbXBsZSBub25jZQ\n==", b"A" * 24, b"\xff" * 24],
)
def test_invalid_key_is_refused(key: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        websocket_response(Headers([(b"sec-websocket-key", key), SAMPLE[1]]), None)
    assert (caught.value.status, caught.value.code) == (400, "key")


def test_two_keys_are_refused() -> None:
    with pytest.raises(Refusal) as caught:
        websocket_response(Headers([*SAMPLE, SAMPLE[0]]), None)
    assert caught.value.code == "key"


@pytest.mark.parametrize("version", [b"", b"8", b"14", b"13, 8", b"013"])
def test_other_version_gets_426_with_the_supported_one(version: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        websocket_response(Headers([SAMPLE[0], (b"sec-websocket-version", version)]), None)
    assert (caught.value.status, caught.value.code) == (426, "version")
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in refusal_response(caught.value)


def test_edition_allows_its_origins_only() -> None:
    ours = msgspec.structs.replace(ENGLISH, origins=("https://news.example",))
    assert check_origin(ours, Headers([(b"origin", b"https://news.example")])) == "https://news.example"
    assert check_origin(ours, Headers([])) is None
    for foreign in (b"https://evil.example", b"null", b"https://news.example.evil.example", b"http://news.example"):
        with pytest.raises(Refusal) as caught:
            check_origin(ours, Headers([(b"origin", foreign)]))
        assert (caught.value.status, caught.value.code) == (403, "origin")


def test_edition_allows_the_pages_of_its_gateway() -> None:
    ours = msgspec.structs.replace(ENGLISH, origins=("https://news.example",))
    own = [(b"host", b"Ticker.example:8080"), (b"origin", b"http://ticker.example:8080")]
    assert check_origin(ours, Headers(own)) == "http://ticker.example:8080"
    assert check_origin(ours, Headers(own[1:]), "http://Ticker.example:8080") == "http://ticker.example:8080"
    for refused in (Headers(own[1:]), Headers([own[0], *own]), Headers([*own, own[1]])):
        with pytest.raises(Refusal):
            check_origin(ours, refused)
    with pytest.raises(Refusal):
        check_origin(ours, Headers(own), "https://public.example")


def test_two_origins_are_refused() -> None:
    ours = msgspec.structs.replace(ENGLISH, origins=("https://news.example",))
    with pytest.raises(Refusal):
        check_origin(ours, Headers([(b"origin", b"https://news.example"), (b"origin", b"https://evil.example")]))


def test_refusal_is_a_complete_response_with_code_and_detail() -> None:
    head, _, body = refusal_response(Refusal(503, "full", "try “again”", 5)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nRetry-After: 5" in head
    assert b"Content-Length: %d\r\n" % len(body) in head
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert json.loads(body) == {
        "type": "/docs/problems#full", "title": "The gateway is full", "status": 503, "detail": "try “again”",
        "error": "full",
    }  # fmt: skip


def test_origin_cannot_inject_a_header() -> None:
    response = events_response("https://a\r\nSet-Cookie: x=1")
    assert b"\r\nSet-Cookie" not in response
