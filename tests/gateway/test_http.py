"""HTTP details on a real server (RFC 9110, 9112 and 6455): targets, `Host`, HEAD, upgrades and ignored upgrades."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.support.gateway_clients import HANDSHAKE, RawClient, metrics
from ticker.gateway.server import Gateway

LIVE = HANDSHAKE.format(target="/v1/en/live", more="")
HOST = "Host: ticker.test\r\n"


async def head_of(gateway: Gateway, request: str) -> bytes:
    async with RawClient(gateway.address) as client:
        await client.send(request)
        return await client.read_until(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/v1/en/events", "/v1/en/board", "/healthz"])
async def test_absolute_target_is_answered_like_its_path(gateway: Gateway, path: str) -> None:
    assert (await head_of(gateway, f"GET http://h{path} HTTP/1.1\r\n{HOST}\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_absolute_target_opens_a_websocket(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open("http://ticker.test/v1/en/live")
        assert b'"type":"board"' in (await client.frame())[1]


async def test_absolute_urls_have_the_host_of_an_absolute_target(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        assert b"http://news.example/" in (await client.get("http://news.example/en"))[1]


async def test_encoded_path_of_a_live_edition_is_the_same_path(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open("/v1/%65n/%6cive")
    assert (await head_of(gateway, f"GET /v1/%65n/events HTTP/1.1\r\n{HOST}\r\n")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_head",
    [
        LIVE.replace(HOST, ""),
        LIVE.replace(HOST, HOST + HOST),
        LIVE.replace(HOST, HOST + "Host: evil.example\r\n"),
        "GET /v1/en/events HTTP/1.1\r\n\r\n",
        f"GET /v1/en/events HTTP/1.1\r\n{HOST}{HOST}\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        f"GET /healthz HTTP/1.1\r\n{HOST}{HOST}\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n",
    ],
)
async def test_request_without_one_valid_host_gets_400(gateway: Gateway, request_head: str) -> None:
    async with RawClient(gateway.address) as client:
        await client.send(request_head)
        answer = await client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "host"
    assert (await metrics(gateway))["ticker_refused_total", "host"] == 1


async def test_http_1_0_needs_no_host(gateway: Gateway) -> None:
    assert (await head_of(gateway, "GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "options",
    [
        "Connection: keep-alive\r\nConnection: Upgrade",
        "Connection: Upgrade\r\nConnection: keep-alive",
        "Connection: keep-alive, Upgrade",
    ],
)
async def test_connection_may_be_spread_over_headers(gateway: Gateway, options: str) -> None:
    head = await head_of(gateway, LIVE.replace("Connection: Upgrade", options))
    assert head.startswith(b"HTTP/1.1 101 ")


async def test_upgrade_may_offer_several_protocols(gateway: Gateway) -> None:
    for offered in ("Upgrade: h2c, websocket", "Upgrade: websocket\r\nUpgrade: h2c"):
        assert (await head_of(gateway, LIVE.replace("Upgrade: websocket", offered))).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("body", ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
async def test_websocket_request_with_a_body_gets_400(gateway: Gateway, body: str) -> None:
    assert (await head_of(gateway, LIVE.removesuffix("\r\n") + body)).startswith(b"HTTP/1.1 400 ")


async def test_upgrade_in_http_1_0_is_ignored(gateway: Gateway) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert (await head_of(gateway, f"GET /healthz HTTP/1.0\r\n{upgrade}\r\n")).startswith(b"HTTP/1.1 200 ")
    assert (await head_of(gateway, LIVE.replace("HTTP/1.1", "HTTP/1.0"))).startswith(b"HTTP/1.1 426 ")


async def test_connection_is_closed_after_an_upgrade_that_is_ignored(gateway: Gateway) -> None:
    """llhttp parses nothing after such a request, so the client's next request would get no response."""
    async with RawClient(gateway.address) as client:
        await client.send(f"GET /healthz HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        answer = (await client.read_to_end()).lower()
    assert answer.startswith(b"http/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in answer


async def test_head_of_events_has_the_headers_of_a_get(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        response = await client.head("/v1/en/events", headers={"Origin": "https://news.example"})
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Access-Control-Allow-Origin"] == "https://news.example"
        assert "Content-Length" not in response.headers
        for path, status in (("/v1/xx/events", 404), ("/v1/en/events?section=gossip", 400)):
            assert (await client.head(path)).status_code == status
        assert (await client.post("/v1/en/events")).status_code == 405
    assert not gateway.hub.admission.admitted


async def test_refused_head_has_no_body(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.send(LIVE.replace("GET", "HEAD"))
        answer = await client.read_to_end()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nContent-Length: " in head
    assert body == b""


async def test_405_names_the_allowed_methods(gateway: Gateway) -> None:
    for request_head in (
        f"POST /v1/en/board HTTP/1.1\r\n{HOST}\r\n",
        f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n",
        f"CONNECT h:443 HTTP/1.1\r\n{HOST}\r\n",
    ):
        head = (await head_of(gateway, request_head)).lower()
        assert head.startswith(b"http/1.1 405 "), request_head
        assert b"\r\nallow: get, head\r\n" in head, request_head


async def test_426_names_the_protocol_in_both_headers(gateway: Gateway) -> None:
    for request_head in (f"GET /v1/en/live HTTP/1.1\r\n{HOST}\r\n", LIVE.replace("Version: 13", "Version: 8")):
        head = (await head_of(gateway, request_head)).lower()
        assert head.startswith(b"http/1.1 426 ")
        assert b"\r\nupgrade: websocket\r\n" in head
        assert b"upgrade" in head.partition(b"\r\nconnection: ")[2].partition(b"\r\n")[0]
