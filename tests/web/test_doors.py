"""No door serves a withdrawn text: every route of the OpenAPI document, with the ids of a real line.

A new format joins this test by being in the document.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx

from tests.support.gateway_clients import Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import WAIT_S
from ticker.core.line import Change, Line, Status

SECRET = "SECRETWORD"
STORY = "odile"
NO_TEXT = {"/v1/en/live"}
"""Doors of an edition that never have a text over plain HTTP."""


def urls(document: dict[str, Any], line: Line, positions: dict[str, str]) -> Iterator[str]:
    """Yield the URLs to request: each path without a query, and with each query parameter that can find the line."""
    ids = {"edition": "en", "id": line.id, "story": STORY, "name": "ticker.js", "release": "0"}
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
    yield "/oembed?url={address}/en"


async def texts(address: str, line: Line, positions: dict[str, str]) -> dict[str, str]:
    """Return the answer of every door by its URL. The answer of a stream ends with `live`."""
    found: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=address, timeout=WAIT_S) as client, asyncio.timeout(2 * WAIT_S):
        document = (await client.get("/v1/openapi.json")).json()
        for url in urls(document, line, positions):
            async with client.stream("GET", url.format(address=address)) as response:
                text = f"{response.headers}\n"
                async for part in response.aiter_text():
                    text += part
                    if "event: live" in text:
                        break
            found[url] = text
    return found


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
