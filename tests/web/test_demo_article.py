"""The made-up article: only with the demo, in three languages, never taken for news."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from tests.support.channels import make_channel, make_hub, make_line
from tests.support.parsed_page import ParsedPage
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change, Status
from ticker.web.demo_article import LANGUAGES, editions_by_language, load_articles
from ticker.web.pages import page_routes

HOST = "http://ticker.example"
VERSION = "1.2.3"
LINES = [make_line(number, f"Line {number}") for number in range(1, 13)]


def make_client(*names: str, demo: bool = True) -> httpx.AsyncClient:
    channels = {name: make_channel(name, LINES) for name in names}
    app = Starlette(routes=page_routes(make_hub(channels), version=VERSION, demo=demo))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_article_has_a_strip_and_a_list_of_its_language_and_says_that_it_is_made_up(lang: str) -> None:
    text = load_articles()[lang]
    async with make_client("en", "ar", "es") as client:
        answer = await client.get("/demo/article", params={"lang": lang})
    page = ParsedPage(answer.text)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert page.all("html")[0]["lang"] == lang
    assert page.all("html")[0]["dir"] == DEFAULT_EDITIONS[lang].dir.value
    tickers = page.all("breaking-ticker")
    assert [(each["edition"], each["layout"]) for each in tickers] == [(lang, "strip"), (lang, "list")]
    assert text.made_up in page.text
    assert text.footer in page.text
    assert {"name": "robots", "content": "noindex"} in page.all("meta")
    assert page.text.count("Line 12") == 2
    others = [each["href"] for each in page.all("a") if each.get("hreflang")]
    assert others == [f"/demo/article?lang={other}" for other in LANGUAGES]


async def test_first_page_links_to_the_article_only_with_the_demo() -> None:
    for demo, count in ((True, 3), (False, 0)):
        async with make_client("en", "ar", "es", demo=demo) as client:
            page = ParsedPage((await client.get("/")).text)
            article = await client.get("/demo/article")
        assert len([each for each in page.all("a") if "/demo/article" in (each["href"] or "")]) == count
        assert article.status_code == (200 if demo else 404)


async def test_article_exists_in_the_languages_of_the_editions() -> None:
    async with make_client("ar") as client:
        assert ParsedPage((await client.get("/demo/article")).text).all("html")[0]["lang"] == "ar"
        for lang in ("en", "xx", "<script>"):
            answer = await client.get("/demo/article", params={"lang": lang})
            assert answer.status_code == 404
            assert "<script>" not in answer.text


def test_article_uses_the_first_edition_of_a_language() -> None:
    english, spanish = DEFAULT_EDITIONS["en"], DEFAULT_EDITIONS["es"]
    assert editions_by_language([("es", spanish), ("sport", english), ("en", english)]) == {"en": "sport", "es": "es"}


async def test_withdrawn_text_is_not_in_the_article() -> None:
    gone = make_line(1, "", version=2, status=Status.CANCELED, change=Change.WITHDRAW, correction="a mistake")
    channel = make_channel("en", [make_line(1, "SECRETWORD"), gone])
    app = Starlette(routes=page_routes(make_hub({"en": channel}), version=VERSION, demo=True))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as client:
        text = (await client.get("/demo/article")).text
    assert "a mistake" in text
    assert "SECRETWORD" not in text


def test_texts_are_complete_in_each_language() -> None:
    articles = load_articles()
    assert articles.keys() == LANGUAGES.keys()
    shapes = {
        (len(each.sections), len(each.stories), *(len(part.paragraphs) for part in each.parts))
        for each in articles.values()
    }
    assert len(shapes) == 1
