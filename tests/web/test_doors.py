"""No door serves a withdrawn text, or a private edition without its token.

The doors are every route of the OpenAPI document, with the ids of a real line. A new format joins these tests by being
in the document.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest_asyncio

from tests.support.gateway_clients import Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.private_editions import bearer, keys_file, private_edition, token_for, wrong_tokens
from tests.support.waiting import WAIT_S
from ticker.core.line import Change, Line, Status
from ticker.gateway.server import Gateway

SECRET = "SECRETWORD"
STORY = "odile"
NO_TEXT = {"/v1/en/live"}
"""Doors of an edition that never have a text over plain HTTP."""
PRIVATE = "cabinet"
"""The name of a private edition. Lists must not have it, either."""
FOR_OPERATORS = {"/readyz", "/metrics", "/status.json"}
"""Doors that name every edition. Proxies block the first two for readers, and the last one needs a token there."""

LISTS = ("/v1/editions",)
"""Doors that name the editions that a request may read."""


class Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    text: str


def urls(document: dict[str, Any], line: Line, positions: dict[str, str], edition: str) -> Iterator[str]:
    """Yield the URLs to request: each path without a query, and with each query parameter that can find the line."""
    ids = {"edition": edition, "id": line.id, "story": STORY, "name": "ticker.js", "release": "0"}
    values = {
        "after": positions["start"],
        "before": positions["head"],
        "since": "2000-01-01T00:00:00Z",
        "section": "sports",
    }
    components = document["components"]["parameters"]
    for path, item in document["paths"].items():
        url = re.sub(r"\{(\w+)\}", lambda found: quote(ids[found[1]]), path)
        yield url
        for each in item["get"].get("parameters", []):
            name = components.get(each.get("$ref", "").rpartition("/")[2], each)["name"]
            if name in values:
                yield f"{url}?{name}={values[name]}"
    yield f"/oembed?url={{address}}/{edition}"


async def answers(
    address: str,
    line: Line,
    positions: dict[str, str],
    edition: str = "en",
    headers: Mapping[str, str] | None = None,
    within: tuple[str, ...] = ("",),
) -> dict[str, Answer]:
    """Return the answer of every door whose URL has one of `within`, by its URL. That of a stream ends with `live`."""
    found: dict[str, Answer] = {}
    client = httpx.AsyncClient(base_url=address, timeout=WAIT_S, headers=headers)
    async with client, asyncio.timeout(2 * WAIT_S):
        document = (await client.get("/v1/openapi.json")).json()
        for url in urls(document, line, positions, edition):
            if not any(part in url for part in within):
                continue
            async with client.stream("GET", url.format(address=address)) as response:
                text = f"{response.headers}\n"
                async for part in response.aiter_text():
                    text += part
                    if "event: live" in text:
                        break
            found[url] = Answer(response.status_code, response.headers, text)
    return found


async def texts(address: str, line: Line, positions: dict[str, str]) -> dict[str, str]:
    """Return the headers and the text of every door by its URL."""
    return {url: answer.text for url, answer in (await answers(address, line, positions)).items()}


async def test_no_door_serves_a_withdrawn_text(log: LogWriter, start: Start) -> None:
    line = await log.post(
        f"{SECRET} one", attribution=SECRET, url=f"https://a.example/{SECRET}", section="sports", coverage=STORY
    )
    line = await log.change(line, Change.CORRECT, text=f"{SECRET} two", correction=f"It was {SECRET}")
    gateway = await start()
    positions = {"start": log.at(0), "head": log.head}
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        before = await texts(gateway.address, line, positions)
        withdrawn = await log.withdraw(line)
        await reader.until_at(log.head)
        after = await texts(gateway.address, line, {**positions, "head": log.head})
    shown = [url for url, text in before.items() if SECRET in text]
    doors = [url for url in before if "/en" in url and "?" not in url and url not in NO_TEXT]
    assert len(doors) > 5
    assert [url for url in doors if url not in shown] == [], "the test can't see a text that these doors serve"
    assert [url for url, text in after.items() if SECRET in text] == []
    assert withdrawn.status is Status.CANCELED
    assert "It was wrong" in after[f"/v1/en/lines/{line.id}"]


async def test_no_door_serves_a_private_edition_without_its_token(
    redis_url: str, log: LogWriter, start: Start, tmp_path: Path
) -> None:
    edition = private_edition(
        title=SECRET, publisher=SECRET, sections={"sports": SECRET}, origins=(f"https://{SECRET}",)
    )
    private = await LogWriter(redis_url, PRIVATE, edition).begin()
    try:
        line = await private.post(f"{SECRET} one", section="sports", coverage=STORY)
        await log.post("Public", section="sports")
        gateway = await start(access_keys_file=keys_file(tmp_path))
        positions = {"start": private.at(0), "head": private.head}
        opened = await answers(gateway.address, line, positions, PRIVATE, bearer(token_for(PRIVATE)))
        refused = {
            name: await answers(
                gateway.address, line, positions, PRIVATE, headers, (f"/{PRIVATE}", *LISTS) if headers else ("",)
            )
            for name, headers in wrong_tokens(PRIVATE).items()
        }
    finally:
        await private.aclose()
    doors = [url for url in opened if f"/{PRIVATE}" in url]
    blind = [url for url in doors if "?" not in url and SECRET not in opened[url].text and "live" not in url]
    assert blind == [], "the test can't see what these doors serve"
    assert {opened[url].headers["Cache-Control"] for url in doors} <= {"private, no-store", "no-store"}
    for name, found in refused.items():
        assert [url for url, answer in found.items() if SECRET.lower() in answer.text.lower()] == [], name
        named = [url for url, answer in found.items() if url not in {*doors, *FOR_OPERATORS} and PRIVATE in answer.text]
        assert named == [], name
        for url in doors:
            status = 404 if "oembed" in url else 403 if name == "another edition's" else 401
            assert (found[url].status, url) == (status, url), name
            assert found[url].headers["Cache-Control"] == "no-store", url
            assert status == 404 or "Bearer" in found[url].headers["WWW-Authenticate"], url


@pytest_asyncio.fixture
async def private_gateway(redis_url: str, log: LogWriter, start: Start, tmp_path: Path) -> Gateway:
    """A gateway with a public edition and an empty private one."""
    private = await LogWriter(redis_url, PRIVATE, private_edition()).begin()
    await private.aclose()
    return await start(access_keys_file=keys_file(tmp_path))


async def test_list_of_editions_has_a_private_one_only_for_its_token(private_gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=private_gateway.address) as client:
        everybody = await client.get("/v1/editions")
        reader = await client.get("/v1/editions", headers=bearer(token_for(PRIVATE)))
        unknown = await client.get("/v1/unknown/board")
    assert [each["name"] for each in everybody.json()["editions"]] == ["en"]
    assert [each["name"] for each in reader.json()["editions"]] == ["en", PRIVATE]
    assert "Authorization" in everybody.headers["Vary"], "a cache must not give one reader the answer of another"
    assert (everybody.headers["Cache-Control"][:6], reader.headers["Cache-Control"]) == ("public", "private, no-store")
    assert PRIVATE not in unknown.text


async def test_page_of_another_origin_may_send_a_token(private_gateway: Gateway) -> None:
    page = {"Origin": "https://news.example"}
    asked = {**page, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    async with httpx.AsyncClient(base_url=private_gateway.address) as client:
        preflight = await client.options(f"/v1/{PRIVATE}/board", headers=asked)
        board = await client.get(f"/v1/{PRIVATE}/board", headers={**page, **bearer(token_for(PRIVATE))})
        refused = await client.get(f"/v1/{PRIVATE}/board", headers=page)
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    for response, status in ((board, 200), (refused, 401)):
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (status, "*")
    assert "Access-Control-Allow-Credentials" not in board.headers, "no cookie is ever used"
