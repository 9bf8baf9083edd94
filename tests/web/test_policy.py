"""The policy of pages: the sources that they may load, the pages that may frame them, and the rights of a frame."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from starlette.datastructures import URL

from tests.support.channels import make_channel, make_hub, make_line
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.settings import Settings
from ticker.web.app import make_app
from ticker.web.policy import frame_ancestors, frame_sandbox, security_headers

ENGLISH = DEFAULT_EDITIONS["en"]
RESTRICTED = msgspec.structs.replace(ENGLISH, origins=("https://news.example", "https://app.example:8443"))


def directives(headers: httpx.Headers | dict[str, str]) -> dict[str, list[str]]:
    """Return the sources of each directive of a response's policy."""
    found = {}
    for directive in headers["Content-Security-Policy"].split(";"):
        name, *sources = directive.split()
        found[name] = sources
    return found


def make_client(**settings: object) -> httpx.AsyncClient:
    channels = {
        "en": make_channel("en", [make_line(1, "One")]),
        "ours": make_channel("ours", [make_line(1, "One")], RESTRICTED),
    }
    hub = make_hub(channels, Settings(trusted_proxies=("10.0.0.0/8",), **settings))  # type: ignore[arg-type]
    transport = httpx.ASGITransport(make_app(hub, "0.1.0"), client=("10.0.0.7", 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://ticker.example")


@pytest.mark.parametrize(
    ("settings", "headers", "origin", "sockets"),
    [
        ({}, {}, "http://ticker.example", "ws://ticker.example"),
        ({}, {"X-Forwarded-Proto": "https"}, "https://ticker.example", "wss://ticker.example"),
        ({}, {"Host": "[::1]:8080"}, "http://[::1]:8080", "ws://[::1]:8080"),
        ({"public_url": "https://public.example:8443"}, {}, "https://public.example:8443", "wss://public.example:8443"),
    ],
)
async def test_policy_of_a_framed_page_names_its_public_origin(
    settings: dict[str, object], headers: dict[str, str], origin: str, sockets: str
) -> None:
    """In a sandboxed frame, WebKit matches `'self'` with the opaque origin of the frame, and so with nothing."""
    async with make_client(**settings) as client:
        policy = directives((await client.get("/en/embed", headers=headers)).headers)
    assert policy["connect-src"] == ["'self'", origin, sockets]
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == ["'self'", origin]
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == ["'none'"]


async def test_policies_of_other_pages_name_no_host() -> None:
    async with make_client() as client:
        for path in ("/", "/en"):
            policy = directives((await client.get(path)).headers)
            assert policy["connect-src"] == policy["script-src"] == ["'self'"]


@pytest.mark.parametrize("host", ["evil.example;script-src+*", "a'unsafe-inline'", "*", "a,b", "a$b", "ü.example"])
def test_host_that_could_change_the_policy_is_left_out(host: str) -> None:
    assert directives(security_headers("*", URL(f"http://{host}/en/embed"))) == directives(security_headers("*"))


def test_only_the_origins_of_an_edition_may_frame_it() -> None:
    assert frame_ancestors(ENGLISH) == "*"
    assert frame_ancestors(RESTRICTED) == "'self' https://news.example https://app.example:8443"
    odd = msgspec.structs.replace(ENGLISH, origins=("https://a.example; script-src *", "null"))
    assert frame_ancestors(odd) == "'self'"


def test_frame_has_its_own_origin_only_if_the_edition_restricts_origins() -> None:
    assert "allow-same-origin" not in frame_sandbox(ENGLISH).split()
    assert "allow-same-origin" in frame_sandbox(RESTRICTED).split()


async def test_oembed_returns_a_frame_that_may_follow_its_edition() -> None:
    async with make_client() as client:
        for name, edition in (("en", ENGLISH), ("ours", RESTRICTED)):
            answer = await client.get("/oembed", params={"url": f"http://ticker.example/{name}"})
            assert f'sandbox="{frame_sandbox(edition)}"' in answer.json()["html"]


@pytest.mark.parametrize(
    ("settings", "host", "origin", "status"),
    [
        ({}, "ticker.example", "https://ticker.example", 200),
        ({}, "ticker.example", "http://ticker.example", 200),
        ({}, "ticker.example:8080", "http://ticker.example:8080", 200),
        ({}, "Ticker.Example", "http://ticker.example", 200),
        ({}, "ticker.example", "null", 403),
        ({}, "ticker.example", "https://ticker.example:8443", 403),
        ({}, "ticker.example", "https://ticker.example.evil.example", 403),
        ({}, "ticker.example", "ftp://ticker.example", 403),
        ({}, "", "https://", 403),
        ({"public_url": "https://public.example"}, "ticker.example", "https://public.example", 200),
        ({"public_url": "https://public.example"}, "ticker.example", "https://ticker.example", 403),
        ({"public_url": "https://public.example"}, "ticker.example", "http://public.example", 403),
    ],
)
async def test_own_pages_may_follow_an_edition_that_restricts_origins(
    settings: dict[str, object], host: str, origin: str, status: int
) -> None:
    async with make_client(**settings) as client:
        for path in ("/v1/ours/board", "/v1/ours/lines"):
            answer = await client.get(path, headers={"Host": host, "Origin": origin})
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == (origin if status == 200 else "*")
        answer = await client.head("/v1/ours/events", headers={"Host": host, "Origin": origin})
        assert answer.status_code == status
