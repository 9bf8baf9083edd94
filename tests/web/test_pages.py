"""The pages and oEmbed: complete without JavaScript, safe with hostile lines, and correctly framed and cached."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from tests.support.channels import make_channel, make_hub, make_line
from tests.support.parsed_page import ParsedPage
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change, Direction, Status
from ticker.core.messages import BoardMessage, decode_message
from ticker.gateway.channel import Channel
from ticker.web.assets import Assets
from ticker.web.pages import page_routes

HOST = "http://ticker.example"
VERSION = "1.2.3"

HOSTILE = "</script><script>alert(1)</script><!-- \"' & {{ 7 * 7 }} \u2028"
LINES = [  # the newest first, as on the board
    make_line(5, HOSTILE, attribution=HOSTILE, url="https://example.org/?a=1&b=\"'", correction=HOSTILE),
    make_line(4, "Flash", urgency=1, section="politics"),
    make_line(3, "", status=Status.CANCELED, change=Change.WITHDRAW, correction="a mistake"),
    make_line(2, "خبر Latin", lang="ar", dir=Direction.RTL),
    make_line(1, "Health", section="health"),
]


@pytest.fixture
async def channels() -> dict[str, Channel]:
    """The three default editions; only the English one has lines."""
    return {name: make_channel(name, LINES[::-1] if name == "en" else []) for name in DEFAULT_EDITIONS}


@pytest.fixture
async def client(channels: dict[str, Channel]) -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(channels) as client:
        yield client


def make_client(channels: Mapping[str, Channel]) -> httpx.AsyncClient:
    app = Starlette(routes=page_routes(make_hub(channels), version=VERSION, demo=True))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST)


@pytest.mark.parametrize(
    "path", ["/", "/en", "/ar", "/es", "/en/embed", "/en?wall=1&theme=broadsheet&layout=strip", "/demo/article"]
)
async def test_pages_are_complete_without_javascript(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    page = ParsedPage(answer.text)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.all("html")[0].keys() >= {"lang", "dir"}
    assert {"http-equiv": "refresh", "content": "60"} in page.all("meta")
    assert all(attributes.get("src") or "json" in (attributes["type"] or "") for attributes in page.all("script"))
    assert all(attributes["src"].startswith("/widget/") for attributes in page.all("img") if attributes["src"])
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.elements for name in attributes)
    if "ar" not in path and "es" not in path:
        assert page.text.count("Flash") >= 1
        assert "Withdrawn a mistake" in re.sub(r"\s+", " ", page.text)


async def test_lines_keep_their_language_and_hostile_text_is_no_markup(client: httpx.AsyncClient) -> None:
    page = ParsedPage((await client.get("/en")).text)
    assert HOSTILE in page.text
    items = page.all("li")
    assert [(each["lang"], each["dir"]) for each in items] == [("en", "ltr")] * 3 + [("ar", "rtl"), ("en", "ltr")]
    links = [each for each in page.all("a") if each.get("rel") == "noopener"]
    assert [each["href"] for each in links] == ["https://example.org/?a=1&b=\"'"]
    assert len([each for each in page.all("script") if each.get("src")]) == 2


async def test_page_contains_the_board_message_and_a_live_blog_for_search_engines(
    client: httpx.AsyncClient, channels: dict[str, Channel]
) -> None:
    page = ParsedPage((await client.get("/en?lines=3")).text)
    seed = next(data for attributes, data in page.scripts if attributes["type"] == "application/json")
    message = decode_message(seed)
    assert isinstance(message, BoardMessage)
    assert (message.position, message.lines) == (str(channels["en"].position), LINES[:4])  # a notice takes no place
    assert page.all("breaking-ticker")[0]["lines"] == "3"
    blog = json.loads(next(data for attributes, data in page.scripts if attributes["type"] == "application/ld+json"))
    assert (blog["@context"], blog["@type"]) == ("https://schema.org", "LiveBlogPosting")
    assert [each["headline"] for each in blog["liveBlogUpdate"]] == [f"{HOSTILE}: {HOSTILE}", "Flash", "خبر Latin"]
    assert blog["dateModified"] == "2026-11-24T09:30:00Z"


async def test_page_shows_the_selection_of_its_query(client: httpx.AsyncClient) -> None:
    page = ParsedPage((await client.get("/en?section=health&section=politics&urgency=1")).text)
    ticker = page.all("breaking-ticker")[0]
    assert (ticker["section"], ticker["urgency"]) == ("health politics", "1")
    assert "Health" not in page.text.partition("Everything")[2].partition("Miscellaneous")[2]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/xx", 404), ("/xx/embed", 404), ("/en?section=nonsense", 400), ("/en?urgency=99", 400), ("/en?lines=0", 200),
        (f"/en?lines=0001{'0' * 5000}", 200), ("/en?lines=00999", 200),
        ("/en?lines=%D9%A3", 200), ("/en?layout=%3Cscript%3E&theme=x&scheme=x", 200), ("/en?" + "a=1&" * 99, 400),
        ("/<script>", 404),
    ],
)  # fmt: skip
async def test_wrong_address_gets_an_error_page(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text


async def test_pages_say_that_the_server_is_loading_until_there_are_editions() -> None:
    async with make_client({}) as client:
        response = await client.get("/en")
    assert response.status_code == 503
    assert "still loading" in response.text


@pytest.mark.parametrize("path", ["/", "/en", "/en/embed"])
async def test_etag_of_a_page_gets_a_304(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_index_page_shows_the_pinned_module_with_its_integrity(client: httpx.AsyncClient) -> None:
    module = Assets(VERSION).module
    page = ParsedPage((await client.get("/")).text)
    assert f'integrity="{module.integrity}"' in page.text
    assert f"{HOST}/widget/{module.release(VERSION)}/ticker.js" in page.text


async def test_error_page_never_gets_a_304(client: httpx.AsyncClient) -> None:
    assert (await client.get("/xx", headers={"If-None-Match": "*"})).status_code == 404


async def test_only_the_embed_page_may_be_framed_by_other_sites(client: httpx.AsyncClient) -> None:
    assert "frame-ancestors 'self'" in (await client.get("/en")).headers["content-security-policy"]
    assert "frame-ancestors *" in (await client.get("/en/embed")).headers["content-security-policy"]


async def test_pages_are_revalidated_each_time_because_a_line_may_be_withdrawn(client: httpx.AsyncClient) -> None:
    assert (await client.get("/en")).headers["cache-control"] == "no-cache"


async def test_oembed_returns_an_iframe_with_title_and_sandbox(client: httpx.AsyncClient) -> None:
    page = ParsedPage((await client.get("/ar?section=health")).text)
    discovery = next(each for each in page.all("link") if each.get("type") == "application/json+oembed")
    answer = await client.get(discovery["href"] or "", params=None)
    body = answer.json()
    assert (body["type"], body["version"], body["title"]) == ("rich", "1.0", DEFAULT_EDITIONS["ar"].title)
    frame = ParsedPage(body["html"]).all("iframe")[0]
    assert frame["src"] == f"{HOST}/ar/embed?section=health"
    assert (frame["title"], frame["lang"]) == (DEFAULT_EDITIONS["ar"].title, "ar")
    assert frame["sandbox"] == "allow-scripts allow-popups allow-popups-to-escape-sandbox"
    small = (await client.get("/oembed", params={"url": f"{HOST}/en", "maxwidth": "300", "maxheight": "200"})).json()
    assert (small["width"], small["height"]) == (300, 200)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404), ({"url": "https://elsewhere.example/en"}, 404), ({"url": f"{HOST}/xx"}, 404),
        ({"url": "javascript:alert(1)"}, 404),
        ({"url": f"{HOST}/en?section=nonsense"}, 404), ({"url": f"{HOST}/en", "format": "xml"}, 501),
        ({"url": "http://[/en"}, 404),
        ({"url": f"{HOST}/en?" + "a=1&" * 99}, 404),
    ],
)  # fmt: skip
async def test_oembed_refuses_addresses_that_are_no_edition_of_this_host(
    client: httpx.AsyncClient, query: dict[str, str], status: int
) -> None:
    answer = await client.get("/oembed", params=query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_head_request_is_answered(client: httpx.AsyncClient) -> None:
    assert (await client.head("/en")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/en", "/en?wall=1", "/en/embed"])
@pytest.mark.parametrize("is_test", [True, False])
async def test_pages_of_test_editions_have_a_warning_and_are_not_indexed(path: str, *, is_test: bool) -> None:
    lines = [msgspec.structs.replace(each, test=is_test) for each in LINES]
    edition = msgspec.structs.replace(DEFAULT_EDITIONS["en"], test=is_test)
    async with make_client({"en": make_channel("en", lines[::-1], edition)}) as client:
        answer = await client.get(path)
    page = ParsedPage(answer.text)
    assert ("Nothing here is news" in page.text) is is_test
    assert page.text.count("TEST") >= len(LINES) if is_test else "TEST" not in page.text
    assert ({"name": "robots", "content": "noindex"} in page.all("meta")) is is_test
    described = [attributes for attributes, _ in page.scripts if attributes["type"] == "application/ld+json"]
    assert len(described) == (0 if is_test or path == "/" else 1)


async def test_rendered_line_has_the_year_of_its_time(client: httpx.AsyncClient) -> None:
    """Without the year, readers take an old story for news."""
    page = ParsedPage((await client.get("/en")).text)
    assert "24 Nov 2026 09:30 UTC" in page.text
