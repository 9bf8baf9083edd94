"""Absolute URLs behind a proxy: oEmbed, canonical links, structured data, snippets and redirects are public."""

from __future__ import annotations

import re
from ipaddress import ip_network

import httpx
import pytest

from tests.support.channels import make_channel, make_hub, make_line
from ticker.settings import Settings
from ticker.web.app import make_app
from ticker.web.public_address import forwarded_scheme

PROXY = "10.0.0.7"
HOST = "news.example"


def make_client(peer: str = PROXY, **settings: object) -> httpx.AsyncClient:
    hub = make_hub(
        {"en": make_channel("en", [make_line(1, "One")])},
        Settings(trusted_proxies=("10.0.0.0/8",), **settings),  # type: ignore[arg-type]
    )
    transport = httpx.ASGITransport(make_app(hub, "0.1.0"), client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")


async def absolute_urls(client: httpx.AsyncClient, headers: dict[str, str], address: str) -> set[str]:
    """Return the origins of this server's absolute URLs in the pages, in oEmbed and in a redirect."""
    paths = ("/", "/en", "/en/embed", f"/oembed?url={address}/en")
    texts = [(await client.get(path, headers=headers)).text for path in paths]
    redirect = (await client.get("/en/", headers=headers)).headers["Location"]
    found = set(re.findall(r"(https?://[a-z.]+\.example(?::\d+)?)[/\"]", " ".join([*texts, redirect])))
    assert all("example" in text for text in texts)
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Proto": "HTTPS"},
        {"Forwarded": "for=192.0.2.1;proto=https"},
        {"Forwarded": 'For="[2001:db8::1]:4711"; Proto="https"'},
        {"Forwarded": "for=192.0.2.1;proto=https", "X-Forwarded-Proto": "http"},
    ],
)
async def test_absolute_urls_have_the_scheme_of_a_trusted_proxy(headers: dict[str, str]) -> None:
    async with make_client() as client:
        assert await absolute_urls(client, headers, f"https://{HOST}") == {f"https://{HOST}"}


@pytest.mark.parametrize("headers", [{"X-Forwarded-Proto": "https"}, {"Forwarded": "for=192.0.2.1;proto=https"}])
async def test_scheme_of_an_untrusted_peer_is_ignored(headers: dict[str, str]) -> None:
    async with make_client(peer="192.0.2.9") as client:
        assert await absolute_urls(client, headers, f"http://{HOST}") == {f"http://{HOST}"}


async def test_public_url_replaces_scheme_and_host() -> None:
    async with make_client(peer="192.0.2.9", public_url="https://public.example:8443") as client:
        found = await absolute_urls(client, {"X-Forwarded-Proto": "http"}, "https://public.example:8443")
    assert found == {"https://public.example:8443"}


async def test_oembed_refuses_the_internal_address_if_there_is_a_public_url() -> None:
    async with make_client(public_url="https://public.example") as client:
        assert (await client.get("/oembed", params={"url": f"http://{HOST}/en"})).status_code == 404


@pytest.mark.parametrize(
    ("forwarded", "proto", "scheme"),
    [
        ([], [], None),
        (["for=192.0.2.1;proto=https"], [], "https"),
        # The inner proxy speaks plain HTTP with the outer one, which ends TLS. Both are trusted.
        (["for=192.0.2.1;proto=https, for=10.0.0.8;proto=http"], [], "https"),
        (["for=192.0.2.1;proto=https", 'for="10.0.0.8:4711";proto=http'], [], "https"),
        # A client writes the left part, or breaks its syntax.
        (["for=10.0.0.9;proto=https, for=192.0.2.1;proto=http"], [], "http"),
        (['for="x;proto=https, for=192.0.2.1;proto=http'], [], "http"),
        (["for=unknown;proto=http, for=10.0.0.8;proto=https"], [], "http"),
        (["proto=https, for=_hidden;proto=http"], [], "http"),
        (["for=192.0.2.1;proto=javascript"], [], None),
        (["for=192.0.2.1"], ["https"], "https"),
        ([], ["https, http"], "http"),
        ([], ["https", "http"], "http"),
        ([], ["gopher"], None),
        ([""], [""], None),
    ],
)
def test_scheme_is_that_of_the_outermost_trusted_proxy(
    forwarded: list[str], proto: list[str], scheme: str | None
) -> None:
    assert forwarded_scheme(PROXY, forwarded, proto, (ip_network("10.0.0.0/8"),)) == scheme
