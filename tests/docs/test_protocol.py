"""Replay the examples of docs/protocol.md against a running system.

Each example continues from the one before, so they run in order.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.doc_examples import Example, assert_like, examples
from tests.support.servers import short_folder
from tests.support.system import System
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, ByeMessage, ForgetMessage, HeartbeatMessage, LineMessage, LiveMessage

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "protocol.md"
EXAMPLES = list(examples(PAGE, "websocket", "http", "events"))
WAIT_S = 20.0


class Story:
    """A running system, and the newest position that an example has received."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.position = ""

    def target(self, request: str) -> str:
        method, target = request.split(" ", 1)
        assert method == "GET"
        return target.replace("<position>", self.position)

    def compare(self, text: str, shown: str) -> None:
        found = json.loads(text)
        assert_like(found, json.loads(shown))
        self.position = found.get("position") or self.position

    def run(self, command: str) -> None:
        program, *words = shlex.split(command)
        assert program == "tick"
        ran = self.system.tick(*words)
        assert ran.code == 0, ran


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with short_folder() as folder, System(folder) as system:
        # The examples need two lines on the board.
        for text in ("Rail operator: Night trains return in March", "Orchard Cup final moves to Sunday"):
            assert system.tick("post", text, "-e", "en").code == 0
        yield Story(system)


def test_the_table_of_messages_has_every_type_with_its_fields() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \| ", _table("| `type` | fields | when |"), re.MULTILINE)
    shown = {kind: tuple(re.findall(r"`(\w+)`", fields)) for kind, fields in rows}
    assert shown == {
        kind.__struct_config__.tag: kind.__struct_fields__
        for kind in (BoardMessage, LineMessage, ForgetMessage, LiveMessage, HeartbeatMessage, ByeMessage)
    }


def test_the_table_of_a_line_has_every_field() -> None:
    rows = _table("| field | value | meaning |").splitlines()[2:]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])} == set(Line.__struct_fields__)


@pytest.mark.parametrize("kind", [Change, Status, Reset, Direction])
def test_the_page_names_every_value_of_a_field(kind: type[StrEnum]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{member.value}`" in text for member in kind)


def test_the_table_of_refusals_has_every_code_in_the_sources() -> None:
    table = _table("| status | codes |")
    sources = [*ROOT.glob("ticker/gateway/*.py"), *ROOT.glob("ticker/web/*.py")]
    texts = [source.read_text(encoding="utf-8") for source in sources]
    codes = {code for text in texts for code in re.findall(r'Refusal\(\s*(\d+),\s*"([a-z-]+)"', text)}
    assert len(codes) > 15
    for status, code in codes:
        assert re.search(rf"^\| {status} \|.*`{code}`", table, re.MULTILINE), (status, code)


def _table(head: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(head)[2].partition("\n\n")[0]


def test_the_page_has_an_example_of_each_transport() -> None:
    assert {example.kind for example in EXAMPLES} == {"websocket", "http", "events"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.kind}-line-{example.line}")
async def test_the_gateway_does_what_the_example_shows(story: Story, example: Example) -> None:
    replay = {"websocket": _replay_websocket, "http": _replay_http, "events": _replay_events}[example.kind]
    await replay(story, example.text)


async def _replay_websocket(story: Story, text: str) -> None:
    request, *steps = text.strip().splitlines()
    async with connect(story.system.url.replace("http", "ws", 1) + story.target(request)) as connection:
        for step in steps:
            mark, rest = step.split(" ", 1)
            if mark == "$":
                await asyncio.to_thread(story.run, rest)
            else:
                assert mark == "<"
                story.compare(await _receive(connection), rest)


async def _receive(connection: ClientConnection) -> str:
    """Return the next message that isn't a heartbeat."""
    async with asyncio.timeout(WAIT_S):
        while True:
            text = await connection.recv(decode=True)
            if json.loads(text)["type"] != "heartbeat":
                return text


async def _replay_http(story: Story, text: str) -> None:
    request, answer = text.strip().split("\n\n")
    status, body = answer.split("\n", 1)
    async with httpx.AsyncClient() as client:
        response = await client.get(story.system.url + story.target(request))
    assert response.status_code == int(status), response.text
    story.compare(response.text, body)


async def _replay_events(story: Story, text: str) -> None:
    request, rest = text.strip().split("\n", 1)
    shown = rest.split("\n\n")
    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", story.system.url + story.target(request)) as response,
        asyncio.timeout(WAIT_S),
    ):
        received = ""
        async for chunk in response.aiter_text():
            received += chunk
            if received.endswith("\n\n") and "event: live\n" in received:
                break
    events = [event for event in received.split("\n\n") if "event: heartbeat\n" not in event]
    for event, like in zip(events, shown, strict=False):
        assert _fields(event, like.count("\n") + 1) == _fields(like, like.count("\n") + 1)
        story.compare(event.partition("data: ")[2], like.partition("data: ")[2])


def _fields(event: str, lines: int) -> list[str]:
    """Return the lines of an event except its data, with a placeholder for positions."""
    kept = [line for line in event.strip().splitlines() if not line.startswith("data: ")]
    assert len(kept) == lines - 1
    return [re.sub(r"[0-9]+-[0-9a-f]{16}", "<position>", line) for line in kept]
