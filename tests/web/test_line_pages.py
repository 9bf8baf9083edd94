"""The permanent pages of lines and the pages of stories, without JavaScript."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.channels import make_channel, make_hub, make_line
from tests.support.parsed_page import ParsedPage
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Direction, Line, Status
from ticker.web.app import make_app

HOSTILE = "</script><script>alert(1)</script><!-- \"' &"


async def fetch(path: str, *lines: Line, edition: str = "en", **fields: Any) -> httpx.Response:
    made = msgspec.structs.replace(DEFAULT_EDITIONS[edition], **fields)
    transport = httpx.ASGITransport(make_app(make_hub({edition: make_channel(edition, lines, made)}), "0.0"))
    async with httpx.AsyncClient(transport=transport, base_url="https://news.example") as client:
        return await client.get(f"/{edition}{path}")


def structured_data(page: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    data: dict[str, Any] = json.loads(found)
    return data


@pytest.mark.parametrize(
    ("edition", "lang", "direction"), [("en", "en", "ltr"), ("ar", "ar", "rtl"), ("es", "es", "ltr")]
)
async def test_page_of_a_line_is_complete_in_each_language(edition: str, lang: str, direction: str) -> None:
    line = make_line(1, HOSTILE, attribution=HOSTILE, lang=lang, dir=Direction(direction), correction=HOSTILE)
    answer = await fetch("/lines/l1", line, edition=edition, image="https://news.example/i.png")
    page = ParsedPage(answer.text)
    assert answer.status_code == 200
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert (page.all("html")[0]["lang"], page.all("html")[0]["dir"]) == (edition, direction)
    assert HOSTILE in page.text
    assert {"rel": "canonical", "href": f"https://news.example/{edition}/lines/l1"} in page.all("link")
    properties = {each["property"]: each["content"] for each in page.all("meta") if "property" in each}
    assert properties["og:image"] == "https://news.example/i.png"
    assert HOSTILE in (properties["og:title"] or "")
    data = structured_data(answer.text)
    assert (data["@type"], data["correction"]["text"]) == ("BlogPosting", HOSTILE)


async def test_page_of_a_withdrawn_line_is_its_notice() -> None:
    line = make_line(1, "Three ferries", attribution="Mayor")
    gone = msgspec.structs.replace(line.without_text(Status.CANCELED), version=2, correction="It was a drill")
    answer = await fetch("/lines/l1", line, gone)
    assert answer.status_code == 200
    assert "Withdrawn: It was a drill" in answer.text
    assert "ferries" not in answer.text
    assert "Mayor" not in answer.text
    assert "ld+json" not in answer.text


@pytest.mark.parametrize("path", ["/lines/unknown", "/lines/l1", "/stories/unknown"])
async def test_page_that_does_not_exist_says_so_in_the_language_of_the_edition(path: str) -> None:
    line = make_line(1, "Hidden", coverage="Ada")
    hidden = msgspec.structs.replace(line.without_text(Status.WITHHELD), version=2)
    answer = await fetch(path, line, hidden, edition="ar")
    page = ParsedPage(answer.text)
    assert answer.status_code == 404
    assert (page.all("html")[0]["lang"], page.all("html")[0]["dir"]) == ("ar", "rtl")
    assert "Hidden" not in answer.text


async def test_page_of_a_story_has_its_lines_with_their_anchors() -> None:
    lines = [
        make_line(1, "First", coverage="Storm Ada"),
        make_line(2, "Another", coverage="Elections"),
        make_line(3, "Second", coverage="Storm Ada"),
    ]
    answer = await fetch("/stories/Storm%20Ada", *lines)
    page = ParsedPage(answer.text)
    assert [item["id"] for item in page.all("li")] == ["l3", "l1"]
    assert "Another" not in answer.text
    data = structured_data(answer.text)
    assert data["url"] == "https://news.example/en/stories/Storm%20Ada"
    updates = [update["url"].rpartition("#")[2] for update in data["liveBlogUpdate"]]
    assert updates == ["l3", "l1"]


async def test_page_of_a_story_shows_the_notice_of_a_withdrawn_line() -> None:
    first, second = (make_line(number, text, coverage="Ada") for number, text in ((1, "Three ferries"), (2, "Two")))
    gone = msgspec.structs.replace(first.without_text(Status.CANCELED), version=2, correction="It was a drill")
    answer = await fetch("/stories/Ada", first, second, gone)
    page = ParsedPage(answer.text)
    assert [item["id"] for item in page.all("li")] == ["l2", "l1"]
    assert "It was a drill" in page.text
    assert "ferries" not in answer.text
    assert structured_data(answer.text)["correction"][0]["text"] == "Withdrawn: It was a drill"
    assert [update["headline"] for update in structured_data(answer.text)["liveBlogUpdate"]] == ["Two"]


async def test_page_of_a_story_without_another_line_is_the_notice() -> None:
    line = make_line(1, "Three ferries", coverage="Three ferries")
    hidden = msgspec.structs.replace(line.without_text(Status.WITHHELD), version=2)
    gone = msgspec.structs.replace(line.without_text(Status.CANCELED), version=3, correction="It was a drill")
    answer = await fetch("/stories/Three%20ferries", line, hidden, gone)
    assert answer.status_code == 200
    assert "Withdrawn: It was a drill" in answer.text
    assert "Three ferries" not in answer.text
    assert "ld+json" not in answer.text


@pytest.mark.parametrize("path", ["/stories/Storm%20%2F%20Ada", "/stories/Storm%20/%20Ada"])
async def test_name_of_a_story_can_have_slashes(path: str) -> None:
    answer = await fetch(path, make_line(1, "First", coverage="Storm / Ada"))
    assert answer.status_code == 200
    assert {"rel": "canonical", "href": "https://news.example/en/stories/Storm%20%2F%20Ada"} in ParsedPage(
        answer.text
    ).all("link")


async def test_pages_of_a_test_edition_are_no_news() -> None:
    answer = await fetch("/lines/l1", make_line(1, "Only a test", test=True), test=True)
    assert {"name": "robots", "content": "noindex"} in ParsedPage(answer.text).all("meta")
    assert "ld+json" not in answer.text
