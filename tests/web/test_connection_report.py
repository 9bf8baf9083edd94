"""The report of a connection tells a client its own address, and never a proxy's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.channels import make_channel, make_hub, make_line
from ticker.settings import Settings
from ticker.web.app import make_app


async def report(peer: str, headers: list[tuple[str, str]], **settings: Any) -> dict[str, Any]:
    app = make_app(make_hub({"en": make_channel("en", [make_line(1, "One")])}, Settings(**settings)), "0.1.0")
    transport = httpx.ASGITransport(app, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://inner.example") as client:
        response = await client.get("/v1/connection", headers=headers)
    assert response.headers["cache-control"] == "no-store"
    document: dict[str, Any] = response.json()
    return document


PROXY = {"trusted_proxies": ("10.0.0.0/8",)}


@pytest.mark.parametrize(
    ("peer", "forwarded", "via", "address"),
    [
        ("10.0.0.5", ["203.0.113.7"], "proxy", "203.0.113.7"),
        ("10.0.0.5", ["192.0.2.77, 203.0.113.7"], "proxy", "203.0.113.7"),
        ("10.0.0.5", ["192.0.2.77"], "proxy", "192.0.2.77"),
        ("10.0.0.5", ["10.0.0.5"], "proxy", "10.0.0.5"),
        ("10.0.0.5", [], "proxy", None),
        ("10.0.0.5", ["nonsense"], "proxy", None),
        ("172.16.0.1", ["203.0.113.7"], "direct", None),
        ("203.0.113.7", [], "direct", None),
    ],
)
async def test_the_address_is_the_client_s_as_a_trusted_proxy_reports_it(
    peer: str, forwarded: list[str], via: str, address: str | None
) -> None:
    answer = await report(peer, [("X-Forwarded-For", value) for value in forwarded], **PROXY)
    assert (answer["via"], answer["address"]) == (via, address)


async def test_scheme_and_host_are_those_of_links() -> None:
    headers = [("X-Forwarded-Proto", "https"), ("Host", "news.example")]
    answer = await report("10.0.0.5", headers, **PROXY)
    assert (answer["scheme"], answer["host"]) == ("https", "news.example")
    answer = await report("10.0.0.5", headers, public_url="https://other.example")
    assert (answer["scheme"], answer["host"]) == ("https", "other.example")
