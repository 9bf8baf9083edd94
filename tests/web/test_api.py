"""The JSON API: editions, boards, history and metrics, and the origins that may read them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.support.gateway_clients import Reader, metrics
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.words import WORDS
from ticker.gateway.server import Gateway
from ticker.store.editions import save_edition


@pytest_asyncio.fixture
async def client(log: LogWriter, start: Start) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose log had 30 entries, and has lost the first five."""
    await log.post_many(30)
    await log.redis.xtrim(log.key, maxlen=25, approximate=False)
    gateway = await start()
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        yield client


async def page(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    response = await client.get(f"/v1/en/lines{query}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def numbers(body: dict[str, Any]) -> list[int]:
    return [int(message["position"].partition("-")[0]) for message in body["lines"]]


async def test_history_without_a_position_is_the_newest_page(log: LogWriter, client: httpx.AsyncClient) -> None:
    body = await page(client, "?limit=10")
    assert numbers(body) == list(range(21, 31))
    assert (body["edition"], body["position"], body["after"], body["before"]) == ("en", log.head, log.head, log.at(21))


async def test_history_can_be_paged_backwards_to_the_first_retained_entry(
    log: LogWriter, client: httpx.AsyncClient
) -> None:
    seen: list[int] = []
    before: str | None = ""
    while before is not None:
        body = await page(client, f"?limit=7{before and '&before=' + before}")
        seen = numbers(body) + seen
        before = body["before"]
    assert seen == list(range(6, 31))


async def test_history_can_be_paged_forwards_to_the_head(log: LogWriter, client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    after = log.at(6)
    while after != log.head:
        body = await page(client, f"?limit=7&after={after}")
        seen += numbers(body)
        after = body["after"]
    assert seen == list(range(7, 31))


async def test_page_after_the_head_is_empty_and_continues_from_the_head(
    log: LogWriter, client: httpx.AsyncClient
) -> None:
    body = await page(client, f"?after={log.head}")
    assert (body["lines"], body["after"], body["before"]) == ([], log.head, None)


async def test_history_of_an_empty_log_is_an_empty_page(log: LogWriter, gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        body = await page(client)
    assert (body["lines"], body["after"], body["before"]) == ([], log.at(0), None)


async def test_position_that_is_no_longer_valid_gets_410(log: LogWriter, client: httpx.AsyncClient) -> None:
    invalid = {log.at(2): "trimmed", "20-0000000000000000": "replaced", "999-0000000000000000": "replaced"}
    for position, reason in invalid.items():
        for name in ("after", "before"):
            response = await client.get(f"/v1/en/lines?{name}={position}")
            assert (response.status_code, response.json()["error"]) == (410, reason)


async def test_invalid_parameter_gets_400_with_its_name(log: LogWriter, client: httpx.AsyncClient) -> None:
    for query, error in {
        "limit=0": "limit",
        "limit=501": "limit",
        "limit=ten": "limit",
        "limit=1&limit=2": "limit",
        "after=yesterday": "after",
        "before=3": "before",
        "since=yesterday": "since",
        "since=2026-11-24T09:30:00": "since",
        "until=2026-11-24T09:30:00+02:00": "until",
        "until=0001-01-01T00:00:00%2B23:59": "until",
        "since=2026-11-24": "since",
        "page=2": "parameter",
        f"after={log.head}&since=2026-11-24T09:30:00Z": "since",
        f"before={log.head}&until=2026-11-24T09:30:00Z": "until",
        f"after={log.head}&before={log.head}": "before",
    }.items():
        response = await client.get(f"/v1/en/lines?{query}")
        assert (response.status_code, response.json()["error"]) == (400, error)


async def test_links_lead_through_the_history_both_ways(log: LogWriter, client: httpx.AsyncClient) -> None:
    newest = await client.get("/v1/en/lines?limit=10")
    assert newest.links.keys() == {"prev"}
    middle = await client.get(newest.links["prev"]["url"])
    assert numbers(middle.json()) == list(range(11, 21))
    oldest = await client.get(middle.links["prev"]["url"])
    assert (numbers(oldest.json()), list(oldest.links)) == (list(range(6, 11)), ["next"])
    again = await client.get(middle.links["next"]["url"])
    assert again.json()["lines"] == newest.json()["lines"]


async def test_etag_and_links_can_be_read_by_scripts_of_other_origins(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/en/lines?limit=3", headers={"Origin": "https://news.example"})
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Age", "Date", "ETag", "Link", "Last-Modified", "Retry-After"} == set(exposed)


async def test_preflight_allows_conditional_requests(client: httpx.AsyncClient) -> None:
    asks = {"Origin": "https://news.example", "Access-Control-Request-Method": "GET"}
    response = await client.options("/v1/en/lines", headers={**asks, "Access-Control-Request-Headers": "if-none-match"})
    assert response.status_code == 204
    assert "If-None-Match" in response.headers["Access-Control-Allow-Headers"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    plain = await client.options("/v1/en/lines")
    assert (plain.status_code, plain.json()["error"]) == (405, "method")


async def test_history_has_the_same_messages_as_a_live_connection(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(0)}") as reader, httpx.AsyncClient() as client:
        await reader.until_live()
        body = (await client.get(f"{gateway.address}/v1/en/lines")).json()
    assert [msgspec.json.decode(text) for text in reader.texts[:-1]] == body["lines"]


async def test_etag_gets_a_304_until_the_content_changes(log: LogWriter, gateway: Gateway) -> None:
    await log.post("one")
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        await eventually(lambda: gateway.hub.channels["en"].history.log.head == 1, "the gateway has the line")
        for path in ("/v1/en/lines", "/v1/en/board", "/v1/editions"):
            first = await client.get(path)
            etag = first.headers["ETag"]
            for header in (f'"x", {etag}', etag.removeprefix("W/"), "*"):
                again = await client.get(path, headers={"If-None-Match": header})
                assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
            assert "max-age" in first.headers["Cache-Control"]
        etag = (await client.get("/v1/en/board")).headers["ETag"]
        await log.post("two")
        await eventually(lambda: gateway.hub.channels["en"].history.log.head == 2, "the gateway has the line")
        assert (await client.get("/v1/en/board", headers={"If-None-Match": etag})).status_code == 200


async def test_board_is_the_same_message_as_on_a_live_connection(log: LogWriter, start: Start) -> None:
    await log.post("sports", section="sports")
    await log.post("health", section="health")
    gateway = await start()
    query = "section=sports&lines=5&lang=es"
    async with Reader(gateway.address, query) as reader, httpx.AsyncClient() as client:
        await reader.until_live()
        response = await client.get(f"{gateway.address}/v1/en/board?{query}")
    board = response.json()
    assert board == msgspec.json.decode(reader.texts[0])
    assert board["edition"]["words"] == {"es": WORDS["es"]}


async def test_editions_have_their_sections_and_their_position(log: LogWriter, gateway: Gateway) -> None:
    async with httpx.AsyncClient() as client:
        (edition,) = (await client.get(f"{gateway.address}/v1/editions")).json()["editions"]
    assert (edition["name"], edition["lang"], edition["dir"], edition["position"]) == ("en", "en", "ltr", log.at(0))
    assert edition["sections"]["sports"] == "Sports"


async def test_pages_of_any_origin_may_read_the_api(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/v1/editions", "/v1/en/board", "/v1/en/lines", "/v1/xx/board"):
            response = await client.get(path, headers={"Origin": "https://news.example"})
            assert response.headers["Access-Control-Allow-Origin"] == "*", path


async def test_only_pages_of_the_editions_origins_may_read_it(log: LogWriter, start: Start) -> None:
    edition = msgspec.structs.replace(log.edition, origins=("https://ours.example",))
    await save_edition(log.redis, "en", edition, log.nonce)
    gateway = await start()
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/v1/en/board", "/v1/en/lines"):
            ours = await client.get(path, headers={"Origin": "https://ours.example"})
            assert ours.headers["Access-Control-Allow-Origin"] == "https://ours.example"
            theirs = await client.get(path, headers={"Origin": "https://evil.example"})
            assert (theirs.status_code, theirs.json()["error"]) == (403, "origin")
            assert theirs.headers["Access-Control-Allow-Origin"] == "*"  # the element has to learn the reason
            without_origin = await client.get(path)  # a program, or a page of this server
            assert without_origin.status_code == 200
            assert "Access-Control-Allow-Origin" not in without_origin.headers
            assert all("Origin" in each.headers["Vary"] for each in (ours, without_origin))
        policy = (await client.get("/en/embed")).headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://ours.example")


async def test_metrics_count_followers_entries_and_deliveries(log: LogWriter, start: Start) -> None:
    await log.post_many(2)
    gateway = await start()
    async with Reader(gateway.address) as reader, Reader(gateway.address, "after=nonsense"):
        await reader.until_live()
        await log.post("news")
        await reader.until_at(log.head)
        await eventually(lambda: gateway.hub.channels["en"].counts.deliveries == 2, "both readers have the line")
        samples = await metrics(gateway)
    expected = {
        ("ticker_followers", "en"): 2,
        ("ticker_head", "en"): 3,
        ("ticker_entries_total", "en"): 1,  # without those that the gateway loaded
        ("ticker_deliveries_total", "en"): 2,
        ("ticker_following", "en"): 1,
        ("ticker_frame_caches", "en"): 1,
        ("ticker_resets_total", "en", "malformed"): 1,
        ("ticker_draining",): 0,
    }
    assert {name: samples.get(name) for name in expected} == expected
    assert samples["process_resident_memory_bytes",] > 0


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text; version=wrong", "text/plain; version=0.0.4"),
        ("\xff;=,;", "text/plain; version=0.0.4"),
    ],
)
async def test_metrics_come_in_the_accepted_format(gateway: Gateway, accept: str, content_type: str) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{gateway.address}/metrics", headers={b"Accept": accept.encode("latin-1")})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(content_type)
    assert 'ticker_followers{edition="en"} 0.0' in response.text
    assert response.text.endswith("# EOF\n") is content_type.startswith("application/openmetrics-text")
