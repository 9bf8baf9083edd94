"""The pages and the widget's files over HTTP: what is served, how it may be kept, and what can't get into it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from ticker import widget
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.messages import BoardMessage, decode_message
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.web.pages import ShownEdition, page_routes

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
HOST = "http://ticker.example"


class Shown:
    """An edition with a fixed board."""

    def __init__(self, name: str, edition: Edition, lines: list[Line]) -> None:
        self.name = name
        self.edition = edition
        self.lines = lines

    def board_lines(self, size: int, selection: Selection = EVERYTHING) -> list[Line]:
        return [line for line in self.lines if selection.matches(line.facets)][:size]

    @property
    def position(self) -> Position:
        return Position(len(self.lines), "0123456789abcdef")


def line(number: int, text: str, **fields: Any) -> Line:
    values: dict[str, Any] = {
        "id": f"l{number}", "version": 1, "number": number, "change": Change.NEW, "text": text, "lang": "en",
        "dir": Direction.LTR, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Line(**(values | fields))


HOSTILE = "</script><script>alert(1)</script><!-- \"' & {{ 7 * 7 }} \u2028"
LINES = [
    line(5, HOSTILE, attribution=HOSTILE, url="https://example.org/?a=1&b=\"'", correction=HOSTILE),
    line(4, "Flash", urgency=1, section="politics"),
    line(3, "", status=Status.CANCELED, change=Change.WITHDRAW, correction="a mistake"),
    line(2, "خبر Latin", lang="ar", dir=Direction.RTL),
    line(1, "Health", section="health"),
]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    editions: Mapping[str, ShownEdition] = {
        name: Shown(name, edition, LINES if name == "en" else []) for name, edition in DEFAULT_EDITIONS.items()
    }
    app = Starlette(routes=page_routes(editions, version="1.2.3"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as client:
        yield client


class Reading(HTMLParser):
    """A page as an HTML parser sees it."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._script: dict[str, str | None] | None = None
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.text += data
        else:
            self.scripts.append((self._script, data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("path", ["/", "/en", "/ar", "/es", "/en/embed", "/en?wall=1&theme=broadsheet&layout=strip"])
async def test_pages_are_whole_without_javascript(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    page = Reading(answer.text)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.all("html")[0].keys() >= {"lang", "dir"}
    assert {"http-equiv": "refresh", "content": "60"} in page.all("meta")
    assert all(attributes.get("src") or "json" in (attributes["type"] or "") for attributes in page.all("script"))
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.elements for name in attributes)
    if "ar" not in path and "es" not in path:
        assert page.text.count("Flash") >= 1
        assert "Withdrawn a mistake" in re.sub(r"\s+", " ", page.text)


async def test_lines_keep_their_language_and_nothing_in_them_is_markup(client: httpx.AsyncClient) -> None:
    page = Reading((await client.get("/en")).text)
    assert HOSTILE in page.text
    items = page.all("li")
    assert [(each["lang"], each["dir"]) for each in items] == [("en", "ltr")] * 3 + [("ar", "rtl"), ("en", "ltr")]
    links = [each for each in page.all("a") if each.get("rel") == "noopener"]
    assert [each["href"] for each in links] == ["https://example.org/?a=1&b=\"'"]
    assert len([each for each in page.all("script") if each.get("src")]) == 2


async def test_the_element_finds_the_board_message_and_search_engines_a_live_blog(client: httpx.AsyncClient) -> None:
    page = Reading((await client.get("/en?lines=4")).text)
    seed = next(data for attributes, data in page.scripts if attributes["type"] == "application/json")
    message = decode_message(seed)
    assert isinstance(message, BoardMessage)
    assert (message.position, message.lines) == ("5-0123456789abcdef", LINES[:4])
    assert page.all("breaking-ticker")[0]["lines"] == "4"
    blog = json.loads(next(data for attributes, data in page.scripts if attributes["type"] == "application/ld+json"))
    assert (blog["@context"], blog["@type"]) == ("https://schema.org", "LiveBlogPosting")
    assert [each["headline"] for each in blog["liveBlogUpdate"]] == [f"{HOSTILE}: {HOSTILE}", "Flash", "خبر Latin"]
    assert blog["dateModified"] == "2026-11-24T09:30:00Z"


async def test_a_page_keeps_the_selection_that_it_was_asked_for(client: httpx.AsyncClient) -> None:
    page = Reading((await client.get("/en?section=health&section=politics&urgency=1")).text)
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
async def test_wrong_addresses_get_a_page_that_says_so(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text


async def test_only_the_embed_may_be_framed_by_everybody(client: httpx.AsyncClient) -> None:
    assert "frame-ancestors 'self'" in (await client.get("/en")).headers["content-security-policy"]
    assert "frame-ancestors *" in (await client.get("/en/embed")).headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/en", "/widget/ticker.js", "/widget/themes.css"])
async def test_an_etag_saves_the_body(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_page_with_a_withdrawn_line_never_comes_from_a_cache(client: httpx.AsyncClient) -> None:
    assert (await client.get("/en")).headers["cache-control"] == "no-cache"


async def test_the_module_is_served_for_everybody(client: httpx.AsyncClient) -> None:
    answer = await client.get("/widget/ticker.js")
    assert answer.content == widget.module().content
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age=300" in answer.headers["cache-control"]
    assert (await client.head("/widget/ticker.js")).headers["content-length"] == str(len(answer.content))


async def test_fixed_versions_are_immutable_and_named_by_their_content(client: httpx.AsyncClient) -> None:
    release = widget.module().release("1.2.3")
    answer = await client.get(f"/widget/{release}/ticker.js")
    assert answer.content == widget.module().content
    assert "immutable" in answer.headers["cache-control"]
    assert f'integrity="{widget.module().integrity}"' in (await client.get("/")).text.replace("&#34;", '"').replace(
        "&quot;", '"'
    )
    for wrong in (
        "/widget/1.2.3/ticker.js",
        f"/widget/{release}/words.json",
        "/widget/words.json",
        "/widget/../pages.py",
        "/widget/x/y/z",
    ):
        assert (await client.get(wrong)).status_code == 404


async def test_oembed_gives_an_iframe_with_title_and_sandbox(client: httpx.AsyncClient) -> None:
    page = Reading((await client.get("/ar?section=health")).text)
    discovery = next(each for each in page.all("link") if each.get("type") == "application/json+oembed")
    answer = await client.get(discovery["href"] or "", params=None)
    body = answer.json()
    assert (body["type"], body["version"], body["title"]) == ("rich", "1.0", DEFAULT_EDITIONS["ar"].title)
    frame = Reading(body["html"]).all("iframe")[0]
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
async def test_oembed_refuses_what_is_not_an_edition_here(
    client: httpx.AsyncClient, query: dict[str, str], status: int
) -> None:
    answer = await client.get("/oembed", params=query)
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "detail"}


async def test_a_head_is_answered_without_a_body(client: httpx.AsyncClient) -> None:
    assert (await client.head("/en")).status_code == 200


def test_the_seed_is_the_wires_own_encoding() -> None:
    assert msgspec.json.decode(msgspec.json.encode(LINES[0]), type=Line) == LINES[0]


@pytest.mark.parametrize("path", ["/", "/en", "/en?wall=1", "/en/embed"])
@pytest.mark.parametrize("is_test", [True, False])
async def test_pages_of_test_editions_say_so_and_are_kept_out_of_search_engines(path: str, *, is_test: bool) -> None:
    lines = [msgspec.structs.replace(each, test=is_test) for each in LINES]
    edition = msgspec.structs.replace(DEFAULT_EDITIONS["en"], test=is_test)
    app = Starlette(routes=page_routes({"en": Shown("en", edition, lines)}, version="1.2.3"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as client:
        answer = await client.get(path)
    page = Reading(answer.text)
    assert ("Nothing here is news" in page.text) is is_test
    assert page.text.count("TEST") >= len(LINES) if is_test else "TEST" not in page.text
    assert ({"name": "robots", "content": "noindex"} in page.all("meta")) is is_test
    described = [attributes for attributes, _ in page.scripts if attributes["type"] == "application/ld+json"]
    assert len(described) == (0 if is_test or path == "/" else 1)


async def test_a_page_without_javascript_says_of_what_year_a_line_is(client: httpx.AsyncClient) -> None:
    """An old story that comes up without its year is taken for news."""
    page = Reading((await client.get("/en")).text)
    assert "24 Nov 2026 09:30 UTC" in page.text
