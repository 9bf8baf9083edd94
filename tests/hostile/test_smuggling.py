# ruff: noqa: E501 -- a table of what is tried
"""Requests that hide behind others: what stands between two of them, or between HTTP and WebSocket, is no request."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest

from tests.hostile.conftest import Siege
from tests.hostile.tally import TRIED

UPGRADE = (
    "GET /v1/en/live HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
HIDDEN = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"
"""The smuggled request: its answer has a mark that no other has."""

MARK = b"python_info"
LENGTH = f"Content-Length: {len(HIDDEN)}\r\n"
CHUNKED = f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"

CASES: dict[str, tuple[str, list[int]]] = {
    # behind an upgrade: the bytes are frames now, and broken ones
    "behind an upgrade": (f"{UPGRADE}\r\n{HIDDEN}", [101]),
    "as an upgrade's body": (f"{UPGRADE}{LENGTH}\r\n{HIDDEN}", [101]),
    "as an upgrade's chunk": (f"{UPGRADE}Transfer-Encoding: chunked\r\n\r\n{CHUNKED}", [101]),
    "behind an upgrade that is refused": (f"{UPGRADE.replace('/en/', '/xx/')}\r\n{HIDDEN}", [404]),
    "behind an upgrade that isn't one": (f"{UPGRADE.replace('/v1/en/live', '/v1/en/board')}\r\n{HIDDEN}", [404]),
    "behind an upgrade without a key": (f"{UPGRADE.replace('Sec-WebSocket-Key', 'X')}\r\n{HIDDEN}", [400]),
    "behind an upgrade of another version": (f"{UPGRADE.replace('13', '8')}\r\n{HIDDEN}", [426]),
    "behind an upgrade by POST": (f"{UPGRADE.replace('GET', 'POST')}{LENGTH}\r\n{HIDDEN}", [400]),
    "behind an upgrade in HTTP/1.0": (f"{UPGRADE.replace('HTTP/1.1', 'HTTP/1.0')}\r\n{HIDDEN}", [400]),
    "behind an upgrade to an absolute address": (f"{UPGRADE.replace('GET /', 'GET http://h/')}\r\n{HIDDEN}", [404]),
    "behind a stream of events": (f"GET /v1/en/events HTTP/1.1\r\nHost: h\r\n\r\n{HIDDEN}", [200]),
    "as the body of a stream of events": (f"GET /v1/en/events HTTP/1.1\r\nHost: h\r\n{LENGTH}\r\n{HIDDEN}", [200]),
    "an upgrade behind a stream of events": (f"GET /v1/en/events HTTP/1.1\r\nHost: h\r\n\r\n{UPGRADE}\r\n", [200]),
    "two upgrades": (f"{UPGRADE}\r\n{UPGRADE}\r\n", [101]),
    # lengths that two servers could read in two ways
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
    # h2c: a proxy could take what follows for another protocol; here it stays HTTP/1.1, and nothing follows
    "an upgrade to h2c": (f"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n{HIDDEN}", [200]),
}  # fmt: skip


@pytest.mark.parametrize("how", CASES)
async def test_a_request_that_hides_is_not_answered(besieged: Siege, how: str) -> None:
    sent, statuses = CASES[how]
    received = await exchange(besieged, sent.encode("latin-1"))
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)] == statuses
    assert MARK not in received
    TRIED["smuggled requests"] += 1


async def test_the_mark_is_in_the_answer_that_was_to_be_smuggled(besieged: Siege) -> None:
    received = await exchange(besieged, HIDDEN.encode())
    assert MARK in received


async def test_an_upgrade_behind_a_request_that_is_still_answered_is_cut_off(besieged: Siege) -> None:
    """Else the first one's answer would stand inside the second one's stream."""
    received = await exchange(besieged, f"GET /v1/en/board HTTP/1.1\r\nHost: h\r\n\r\n{UPGRADE}\r\n".encode())
    assert b" 101 " not in received
    TRIED["smuggled requests"] += 1


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "https://news.example.evil.example", "http://news.example"),
        *(
            "https://news.example:8443",
            "https://NEWS.example",
            "https://news.example/",
            "",
            "https://evil.example@news.example",
        ),
    ],
)
async def test_a_page_of_another_origin_follows_nothing(besieged: Siege, origin: str) -> None:
    for ending, upgrade in (("live", UPGRADE), ("events", "GET /v1/en/events HTTP/1.1\r\nHost: h\r\n")):
        sent = upgrade.replace(f"/en/{ending}", f"/closed/{ending}")
        received = await exchange(besieged, f"{sent}Origin: {origin}\r\n\r\n".encode())
        assert received.startswith(b"HTTP/1.1 403 ")
        assert b'"error": "origin"' in received
        assert b"text/event-stream" not in received
        TRIED["foreign origins"] += 1
    for ending in ("board", "lines"):
        received = await exchange(
            besieged, f"GET /v1/closed/{ending} HTTP/1.1\r\nHost: h\r\nOrigin: {origin}\r\n\r\n".encode()
        )
        assert received.startswith(b"HTTP/1.1 403 ")
        TRIED["foreign origins"] += 1


async def test_a_page_of_the_editions_own_origin_follows_it(besieged: Siege) -> None:
    sent = UPGRADE.replace("/en/", "/closed/")
    assert (await exchange(besieged, f"{sent}Origin: https://news.example\r\n\r\n".encode())).startswith(
        b"HTTP/1.1 101"
    )


async def exchange(siege: Siege, data: bytes) -> bytes:
    """Send everything, say that nothing more comes, and read to the end."""
    reader, writer = await asyncio.open_connection(*siege.address)
    received = b""
    with suppress(ConnectionError):
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(15):
            while piece := await reader.read(65_536):
                received += piece
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return received
