"""A request that repeats an earlier one is answered as if it were parsed. No transport."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH, NONCE
from ticker.gateway.admission import Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.gateway.opening import parse_opening
from ticker.gateway.repeated_openings import KEPT_BYTES, KEPT_MAX, Repeated, RepeatedOpenings
from ticker.gateway.takeover import prepare
from ticker.settings import Settings

KEY, OTHER_KEY = b"dGhlIHNhbXBsZSBub25jZQ==", b"AAAAAAAAAAAAAAAAAAAAAA=="
SOCKET = (
    b"GET /v1/en/live?after=7-0123456789abcdef HTTP/1.1\r\nHost: ticker.test\r\nUser-Agent: one\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nX-Forwarded-For: 192.0.2.1\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
EVENTS = b"GET /v1/en/events HTTP/1.1\r\nHost: ticker.test\r\nAccept: text/event-stream\r\n\r\n"
HOSTILE = [
    *(b"\r\nSec-WebSocket-Key: " + OTHER_KEY, b"\r\nsec-websocket-key: " + KEY, b"\r\nSec-WebSocket-Key: short"),
    *(b"\r\nHost: other.test", b"\r\nContent-Length: 3", b"\r\nTransfer-Encoding: chunked", b"\r\n\r\nabc"),
    *(b"\r\nUser-Agent: \xc3\xa9", b"\r\nUser-Agent: a\0b", b"\r\nUser-Agent: two", b"\r\nCookie: a=b"),
    *(b"\r\nAccept: a\r\n folded", b"\r\nOrigin: https://evil.test", b"\r\nX-Forwarded-For: 192.0.2.7"),
    *(b"\r\nx-forwarded-for: 192.0.2.8", b"\r\nLast-Event-ID: 1", b"\r\nSec-WebSocket-Version: 8", b"x"),
    *(b"\r\n", b"\n", b"\r", b" "),
]  # fmt: skip


def make_hub(*proxies: str, origins: tuple[str, ...] = ("*",)) -> Hub:
    settings = Settings(trusted_proxies=proxies)
    hub = Hub(settings, 1024, lambda: datetime.now(UTC), lambda: 0.0)
    hub.add(Channel("en", msgspec.structs.replace(ENGLISH, origins=origins), NONCE, settings, hub.clock))
    return hub


def parsed(hub: Hub, data: bytes) -> Repeated | None:
    """Return how a request is answered that isn't compared with others. None: refused, or left to llhttp."""
    try:
        opening = parse_opening(data)
        if opening is None:
            return None
        prepared, key = prepare(hub, opening.target, opening.headers)
    except Refusal:
        return None
    return Repeated(prepared, key, opening.headers.all(b"x-forwarded-for") if hub.trusted else [])


class Harness:
    """A hub's repeated openings, after the requests `SOCKET` and `EVENTS`."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.openings = RepeatedOpenings(hub)
        self.add(SOCKET)
        self.add(EVENTS)

    def add(self, data: bytes) -> None:
        found = parsed(self.hub, data)
        assert found is not None
        self.openings.add(data, found.prepared)


async def test_request_with_another_key_browser_and_forwarded_address_is_repeated() -> None:
    harness = Harness(make_hub("127.0.0.1/32"))
    other = SOCKET.replace(KEY, OTHER_KEY).replace(b"User-Agent: one", b"User-Agent: two\r\nCookie: a=b")
    found = harness.openings.find(other.replace(b"192.0.2.1", b"192.0.2.9, 192.0.2.2"))
    assert found is not None
    assert (found.key, found.forwarded) == (OTHER_KEY, ["192.0.2.9, 192.0.2.2"])
    assert harness.openings.find(EVENTS) is not None


@given(
    places=st.lists(st.tuples(st.integers(0, len(SOCKET)), st.sampled_from(HOSTILE)), max_size=3),
    removed=st.tuples(st.integers(0, len(SOCKET)), st.integers(0, 40)),
    is_proxied=st.booleans(),
)
async def test_repeated_request_is_answered_as_if_it_were_parsed(
    places: list[tuple[int, bytes]], removed: tuple[int, int], is_proxied: bool
) -> None:
    hub = make_hub(*(["127.0.0.1/32"] if is_proxied else []), origins=("https://good.test",))
    harness = Harness(hub)
    for request in (SOCKET, EVENTS):
        variants = [request[: removed[0]] + request[removed[0] + removed[1] :]]
        changed = request
        for place, piece in places:
            changed = changed[:place] + piece + changed[place:]
            variants.append(changed)
        lines = request.split(b"\r\n")
        for place, piece in places:
            lines.insert(1 + place % (len(lines) - 2), piece.removeprefix(b"\r\n"))
            variants.append(b"\r\n".join(lines))
        for variant in variants:
            found = harness.openings.find(variant)
            assert found is None or found == parsed(hub, variant), variant


async def test_line_of_a_key_that_is_too_long_is_not_left_out() -> None:
    """Without it, the rest of its line would end the line before."""
    harness = Harness(make_hub())
    line = b"\r\nSec-WebSocket-Key: " + KEY
    changed = SOCKET.replace(line, b"").replace(b"Host: ticker.test", b"Host: ticker" + line + b".test")
    assert harness.openings.find(SOCKET) is not None
    assert harness.openings.find(changed) is None


@pytest.mark.parametrize(
    "rest", [b"Cookie: a=b\r\n", b"Sec-WebSocket-Key: " + KEY + b"\r\n", b"X-Forwarded-For: 192.0.2.7\r\n"]
)
@pytest.mark.parametrize("request_", [SOCKET, SOCKET.replace(b"\r\nSec-WebSocket-Key: " + KEY, b""), EVENTS])
async def test_lines_after_the_end_of_the_request_are_not_left_out(request_: bytes, rest: bytes) -> None:
    hub = make_hub("127.0.0.1/32")
    assert parsed(hub, request_ + rest) is None
    assert Harness(hub).openings.find(request_ + rest) is None


async def test_request_is_parsed_again_after_a_change_of_the_edition() -> None:
    harness = Harness(make_hub())
    channel = harness.hub.channels["en"]
    channel.edit(msgspec.structs.replace(channel.edition, origins=()))
    assert harness.openings.find(SOCKET) is None


async def test_request_for_a_removed_edition_is_parsed_again() -> None:
    harness = Harness(make_hub())
    del harness.hub.channels["en"]
    assert harness.openings.find(SOCKET) is None


@pytest.mark.parametrize("line", [b"Authorization: Bearer x", b"Origin: " + b"a" * KEPT_BYTES])
async def test_kept_requests_are_bounded(line: bytes) -> None:
    harness = Harness(make_hub())
    for number in range(2 * KEPT_MAX):
        harness.add(EVENTS.replace(b"Accept: ", b"X-%d: " % number).replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n"))
        assert len(harness.openings._kept) <= KEPT_MAX
    assert max(map(len, harness.openings._kept)) <= KEPT_BYTES


async def test_request_for_a_private_edition_is_never_kept() -> None:
    harness = Harness(make_hub())
    channel = harness.hub.channels["en"]
    prepared = harness.openings.find(EVENTS)
    assert prepared is not None
    channel.is_private = True
    openings = RepeatedOpenings(harness.hub)
    openings.add(EVENTS, prepared.prepared)
    assert openings.find(EVENTS) is None
