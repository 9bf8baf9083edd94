"""The feeds of a real gateway, read by the libraries of others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from lxml import etree

from tests.support.channels import make_channel, make_hub, make_line
from tests.support.feed_readers import FeedReader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.parsed_page import ParsedPage
from tests.support.waiting import eventually
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change, Direction, Status
from ticker.settings import Settings
from ticker.web.app import make_app

FEEDS = {"feed.json": "application/feed+json", "feed.atom": "application/atom+xml", "feed.rss": "application/rss+xml"}
SECRET = "Three ferries are damaged"


@pytest_asyncio.fixture
async def client(log: LogWriter, start: Start) -> AsyncIterator[httpx.AsyncClient]:
    gateway = await start(public_url="https://news.example", websub_hub="https://hub.example/")
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        yield client


async def documents(client: httpx.AsyncClient) -> dict[str, bytes]:
    return {file: (await client.get(f"/en/{file}")).content for file in (*FEEDS, "news-sitemap.xml")}


async def until_it_says(client: httpx.AsyncClient, text: str) -> None:
    async def says() -> bool:
        return text in (await client.get("/en/feed.rss")).text

    await eventually(says, f"the feed says {text}")


async def test_withdrawn_text_is_in_no_feed_and_its_notice_replaces_it(
    log: LogWriter, client: httpx.AsyncClient
) -> None:
    line = await log.post(SECRET, attribution="Harbour & port", url="https://example.org/?a=1&b=2", section="economy")
    await until_it_says(client, SECRET)
    before = await documents(client)
    readers = FeedReader(), FeedReader(), FeedReader()
    for reader, read, file in zip(readers, ("read_json", "read_atom", "read_rss"), FEEDS, strict=True):
        getattr(reader, read)(before[file])
        (item,) = reader.items.values()
        assert item.title == f"Harbour & port: {SECRET}"
    assert SECRET.encode() in before["news-sitemap.xml"]

    await log.withdraw(line, "It was a drill")
    await until_it_says(client, "It was a drill")
    after = await documents(client)
    assert not [file for file, document in after.items() if SECRET.encode() in document]
    assert not [file for file, document in after.items() if b"Harbour" in document or b"example.org" in document]
    by_json, by_atom, by_rss = readers
    by_json.read_json(after["feed.json"])
    by_atom.read_atom(after["feed.atom"])
    by_rss.read_rss(after["feed.rss"])
    assert [item.title for item in (*by_json.items.values(), *by_rss.items.values())] == [
        "Withdrawn: It was a drill"
    ] * 2
    assert by_atom.items == {}
    assert b"<at:deleted-entry" in after["feed.atom"]
    assert set(by_json.items) == set(by_rss.items)


@pytest.mark.parametrize("file", FEEDS)
async def test_feeds_have_their_type_links_and_validators(log: LogWriter, client: httpx.AsyncClient, file: str) -> None:
    await log.post("The bridge is closed")
    await until_it_says(client, "The bridge is closed")
    answer = await client.get(f"/en/{file}")
    assert answer.headers["content-type"] == FEEDS[file]
    assert answer.links["self"]["url"] == f"https://news.example/en/{file}"
    assert answer.links["hub"]["url"] == "https://hub.example/"
    assert answer.headers["access-control-allow-origin"] == "*"
    again = await client.get(f"/en/{file}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert b"https://hub.example/" in answer.content
    assert (await client.get(f"/xx/{file}")).status_code == 404


async def test_hidden_line_leaves_the_feeds_and_comes_back(log: LogWriter, client: httpx.AsyncClient) -> None:
    line = await log.post(SECRET)
    await until_it_says(client, SECRET)
    json_reader, atom_reader = FeedReader(), FeedReader()
    json_reader.read_json((await client.get("/en/feed.json")).content)
    atom_reader.read_atom((await client.get("/en/feed.atom")).content)
    await log.change(line.without_text(Status.WITHHELD), Change.HIDE)

    async def is_gone() -> bool:
        return SECRET not in (await client.get("/en/feed.rss")).text

    await eventually(is_gone, "the line left the feed")
    json_reader.read_json((await client.get("/en/feed.json")).content)
    atom_reader.read_atom((await client.get("/en/feed.atom")).content)
    assert json_reader.items == atom_reader.items == {}


async def test_pages_of_an_edition_link_to_its_feeds(log: LogWriter, start: Start) -> None:
    gateway = await start()
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        page = ParsedPage((await client.get("/en")).text)
    links = {each["type"]: each["href"] for each in page.all("link") if each.get("rel") == "alternate"}
    assert {type_: f"/en/{file}" for file, type_ in FEEDS.items()}.items() <= links.items()


# Without a server: these tests only look at the documents.


async def feed_of(
    file: str, *lines: Any, edition: str = "en", host: str = "any.example", **settings: Any
) -> httpx.Response:
    made = msgspec.structs.replace(DEFAULT_EDITIONS[edition], **settings.pop("edition_settings", {}))
    hub = make_hub({edition: make_channel(edition, lines, made)}, Settings(**settings))
    transport = httpx.ASGITransport(make_app(hub, "0.0"))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.get(f"/{edition}/{file}")


@pytest.mark.parametrize("file", FEEDS)
async def test_ids_depend_on_no_host_of_a_request(file: str) -> None:
    async def ids(**options: Any) -> set[str]:
        reader = FeedReader()
        document = (await feed_of(file, make_line(1, "One"), **options)).content
        getattr(reader, {"json": "read_json", "atom": "read_atom", "rss": "read_rss"}[file.partition(".")[2]])(document)
        return set(reader.items)

    assert await ids(host="a.example") == await ids(host="b.example") == {"tag:localhost,2026:ticker/en/l1"}
    public = {"public_url": "https://news.example"}
    assert await ids(**public) == {"tag:news.example,2026:ticker/en/l1"}
    fixed = {"edition_settings": {"id_authority": "paper.example,2019-05"}}
    assert await ids(**fixed) == await ids(**fixed, **public) == {"tag:paper.example,2019-05:ticker/en/l1"}


async def test_line_of_another_direction_is_marked_and_its_attribution_isolated() -> None:
    arabic = make_line(1, "غارة على المدينة", attribution="CNN", lang="ar", dir=Direction.RTL)
    latin = make_line(2, "CNN تعلن النتائج", lang="ar", dir=Direction.RTL)
    feed = (await feed_of("feed.json", arabic, latin, edition="ar")).json()
    assert [item["title"] for item in feed["items"]] == ["\u200fCNN تعلن النتائج", "\u2068CNN\u2069: غارة على المدينة"]
    assert {item["language"] for item in feed["items"]} == {"ar"}


async def test_xml_feeds_leave_out_characters_that_xml_cannot_have() -> None:
    line = make_line(1, "a\x00b\x0bc\ufffe<&]]>\u2028", attribution='"\x1b')
    for file in ("feed.atom", "feed.rss", "news-sitemap.xml"):
        root = etree.fromstring((await feed_of(file, line)).content)
        assert "abc<&]]>\u2028" in "".join(root.itertext())


async def test_pins_do_not_change_the_order_and_old_pinned_lines_stay() -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    lines = [
        make_line(number, f"Line {number}", pinned_until=until if number == 3 else None) for number in range(1, 80)
    ]
    answer = await feed_of("feed.json", *lines)
    found = [item["title"] for item in answer.json()["items"]]
    assert found == [f"Line {number}" for number in (*range(79, 30, -1), 3)]
    assert len(answer.content) < 100_000


@pytest.mark.parametrize("file", FEEDS)
async def test_notice_of_a_withdrawn_line_is_in_the_feed_however_old_the_line_is(file: str) -> None:
    lines = [make_line(number, f"Line {number}") for number in range(1, 80)]
    gone = msgspec.structs.replace(lines[0].without_text(Status.CANCELED), version=2, correction="It was a drill")
    assert b"It was a drill" in (await feed_of(file, *lines, gone)).content


async def test_test_edition_marks_its_feeds_and_has_no_news_for_search_engines() -> None:
    line = make_line(1, "Not news", test=True)
    options: dict[str, Any] = {"edition_settings": {"test": True}}
    answer = await feed_of("feed.json", line, **options)
    assert answer.headers["x-robots-tag"] == "noindex"
    assert (answer.json()["title"], answer.json()["items"][0]["title"]) == ("TEST: Breaking news", "TEST: Not news")
    assert "Not news" not in (await feed_of("news-sitemap.xml", line, **options)).text


async def test_news_sitemap_has_the_lines_of_two_days_and_at_most_a_thousand() -> None:
    lines = [make_line(number, f"Line {number}") for number in range(1, 1005)]
    old = make_line(1005, "Old news", created_at=lines[0].created_at - timedelta(days=2))
    answer = await feed_of("news-sitemap.xml", *lines, old, edition_settings={"publisher": "The Paper"})
    root = etree.fromstring(answer.content)
    titles = [element.text for element in root.iter("{*}title")]
    assert (len(titles), titles[0], titles[-1]) == (1000, "Line 1004", "Line 5")
    assert {element.text for element in root.iter("{*}name")} == {"The Paper"}
    assert {element.text for element in root.iter("{*}language")} == {"en"}


async def test_json_feed_says_how_a_line_stands() -> None:
    line = make_line(
        1, "Two ferries", change=Change.CORRECT, correction="It said three", urgency=2, regions=("europe",)
    )
    (item,) = json.loads((await feed_of("feed.json", line)).content)["items"]
    assert item["content_text"] == "Two ferries\n\nCorrection: It said three"
    assert item["_ticker"] == {
        "version": 1, "change": "correct", "status": "usable", "dir": "ltr", "urgency": 2, "regions": ["europe"],
        "correction": "It said three",
    }  # fmt: skip
    assert item["tags"] == ["Europe"]
