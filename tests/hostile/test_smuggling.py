"""Request smuggling: the gateway must not answer a request that is hidden in another one."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest

from tests.hostile.counts import TRIED
from tests.hostile.smuggling import CASES, HIDDEN, MARK, UPGRADE
from tests.hostile.target import Target
from tests.support.waiting import WAIT_S


@pytest.mark.parametrize("case", CASES)
async def test_a_hidden_request_is_not_answered(target: Target, case: str) -> None:
    sent, statuses = CASES[case]
    received = await exchange(target, sent.encode("latin-1"))
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)] == statuses
    assert MARK not in received
    TRIED["smuggled requests"] += 1


async def test_the_hidden_request_alone_is_answered_with_the_mark(target: Target) -> None:
    received = await exchange(target, HIDDEN.encode())
    assert MARK in received


async def test_an_upgrade_pipelined_behind_a_request_is_cut_off(target: Target) -> None:
    """Otherwise the first response would be sent inside the WebSocket stream."""
    received = await exchange(target, f"GET /v1/en/board HTTP/1.1\r\nHost: h\r\n\r\n{UPGRADE}\r\n".encode())
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
async def test_a_page_of_another_origin_is_rejected(target: Target, origin: str) -> None:
    for ending, upgrade in (("live", UPGRADE), ("events", "GET /v1/en/events HTTP/1.1\r\nHost: h\r\n")):
        sent = upgrade.replace(f"/en/{ending}", f"/closed/{ending}")
        received = await exchange(target, f"{sent}Origin: {origin}\r\n\r\n".encode())
        assert received.startswith(b"HTTP/1.1 403 ")
        assert b'"error":"origin"' in received
        assert b"text/event-stream" not in received
        TRIED["foreign origins"] += 1
    for ending in ("board", "lines"):
        received = await exchange(
            target, f"GET /v1/closed/{ending} HTTP/1.1\r\nHost: h\r\nOrigin: {origin}\r\n\r\n".encode()
        )
        assert received.startswith(b"HTTP/1.1 403 ")
        TRIED["foreign origins"] += 1


async def test_a_page_of_an_allowed_origin_may_follow(target: Target) -> None:
    sent = UPGRADE.replace("/en/", "/closed/")
    assert (await exchange(target, f"{sent}Origin: https://news.example\r\n\r\n".encode())).startswith(b"HTTP/1.1 101")


async def test_a_page_of_the_gateway_may_follow(target: Target) -> None:
    sent = UPGRADE.replace("/en/", "/closed/")
    assert (await exchange(target, f"{sent}Origin: http://h\r\n\r\n".encode())).startswith(b"HTTP/1.1 101")


async def exchange(target: Target, data: bytes) -> bytes:
    """Send `data`, close the sending side, and return everything that is received."""
    reader, writer = await asyncio.open_connection(*target.address)
    received = b""
    with suppress(ConnectionError):
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(WAIT_S):
            while piece := await reader.read(65_536):
                received += piece
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return received
