"""Send every request of docs/api.md to a running system, and compare its answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.doc_examples import Example, assert_like, examples
from tests.support.servers import short_folder
from tests.support.system import System
from tests.support.waiting import WAIT_S

PAGE: Final = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLES: Final = list(examples(PAGE, "http", "events"))
_FORMS: Final = {"position": r"\d+-[0-9a-f]{16}", "etag": r'W/"[0-9a-f]{32}"'}
_TAGS: Final = {"editions", "history", "documents"}
"""Every path with one of these tags is on the page."""


class Story:
    """A system with a corrected line. `known` has its id, the last position, and the last entity tag of each target."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.known: dict[str, str] = {}
        assert system.tick("post", "Rail operator: Night trains return in March", "-e", "en").code == 0
        posted = system.tick("post", "Met office: Storm Ada makes landfall near Port Selby", "-e", "en", "--json")
        assert posted.code == 0, posted
        self.known["id"] = posted.json["id"]
        reason = "The port is Amery, not Selby."
        new = "Met office: Storm Ada makes landfall near Port Amery"
        assert system.tick("correct", "last", new, "-e", "en", "--reason", reason).code == 0

    def fill(self, text: str, target: str = "") -> str:
        return re.sub(r"<(id|position|etag)>", lambda found: self.known[found[1].replace("etag", target)], text)

    def remember(self, target: str, response: httpx.Response) -> None:
        self.known[target] = response.headers.get("ETag", "")
        if response.headers.get("Content-Type", "") == "application/json":
            self.known["position"] = response.json().get("position", self.known.get("position", ""))


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with short_folder() as folder, System(folder) as system:
        yield Story(system)


async def test_the_gateway_answers_as_the_page_shows(story: Story) -> None:
    """In the order of the page: an example may use a value of the one before."""
    async with httpx.AsyncClient(base_url=story.system.url, timeout=WAIT_S) as client:
        document = (await client.get("/v1/openapi.json")).json()
        requested = set()
        for example in EXAMPLES:
            request = example.text.split("\n", 1)[0]
            requested.add(request.removeprefix("GET ").partition("?")[0])
            await (_compare if example.kind == "http" else _follow)(client, story, example)
    described = {path for path, item in document["paths"].items() if _TAGS & set(item["get"]["tags"])}
    assert described <= {path.replace("/en/", "/{edition}/").replace("<id>", "{id}") for path in requested}


async def _compare(client: httpx.AsyncClient, story: Story, example: Example) -> None:
    request, answer = example.text.strip().split("\n\n")
    (first, *given), (status, *rest) = request.split("\n"), answer.split("\n")
    headers = dict(line.split(": ", 1) for line in given)
    target = first.removeprefix("GET ")
    filled = {name: story.fill(value, target) for name, value in headers.items()}
    response = await client.get(story.fill(target), headers=filled)
    assert response.status_code == int(status), (example.line, response.text)
    for line in rest:
        if line.startswith("{"):
            assert_like(response.json(), json.loads(line), f"line {example.line}")
        else:
            name, value = line.split(": ", 1)
            _assert_header(response.headers[name], value, example.line)
    story.remember(target, response)


def _assert_header(found: str, shown: str, line: int) -> None:
    pattern = re.sub(r"<(position|etag)>", lambda form: _FORMS[form[1]], re.escape(shown))
    assert re.fullmatch(pattern, found), (line, found)


async def _follow(client: httpx.AsyncClient, story: Story, example: Example) -> None:
    request, rest = example.text.strip().split("\n", 1)
    async with client.stream("GET", request.removeprefix("GET ")) as response, asyncio.timeout(WAIT_S):
        received = ""
        async for part in response.aiter_text():
            received += part
            if received.endswith("\n\n") and "event: live\n" in received:
                break
    events = [event for event in received.strip().split("\n\n") if "event: heartbeat\n" not in event]
    for event, shown in zip(events, rest.split("\n\n"), strict=True):
        assert _name(event) == _name(shown)
        assert_like(json.loads(event.partition("data: ")[2]), json.loads(shown.partition("data: ")[2]))


def _name(event: str) -> str:
    return event.partition("event: ")[2].partition("\n")[0]
