"""A restore under a whole system: followers, the element's fold and a relay get a reset, and show what the log has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.build_widget import WIDGET
from tests.support.node import run_node
from tests.support.system import Program, System, shared_system
from tests.support.waiting import eventually, until
from tests.support.webhook_receiver import SECRET, WebhookReceiver
from ticker.client.follower import Received, follow_events

FOLD = Path(__file__).parents[1] / "widget" / "fold.mjs"


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with shared_system() as running:
        yield running


def post(system: System, text: str) -> str:
    ran = system.tick("post", text, "-e", "en", "--json")
    assert ran.code == 0, ran
    return str(ran.json["id"])


def shown(system: System) -> dict[str, str]:
    """Return the texts on the board, by id."""
    ran = system.tick("board", "-e", "en", "--json")
    assert ran.code == 0, ran
    return {each["id"]: each["text"] for each in ran.json["lines"] if each["status"] == "usable"}


class Reader:
    """A follower that keeps everything that it got, and its last position."""

    def __init__(self, system: System, after: str | None = None) -> None:
        self.system = system
        self.after = after
        self.messages: list[dict[str, Any]] = []

    @property
    def position(self) -> str:
        return str([each["position"] for each in self.messages if "position" in each][-1])

    @property
    def resets(self) -> list[str]:
        return [each["reset"] for each in self.messages if each["type"] == "board" and each["reset"]]

    async def run(self) -> None:
        events = follow_events(lambda: self.system.url, "en", {}, after=self.after)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Received):
                    self.messages.append(json.loads(event.data))

    def folded(self, tmp_path: Path) -> dict[str, str]:
        """Return the texts that the element shows after these messages, by id."""
        case = {"size": 50, "now": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "board": None, "messages": self.messages}
        vectors = tmp_path / "messages.json"
        vectors.write_text(json.dumps({"cases": [case]}), encoding="utf-8")
        done = run_node(FOLD, vectors, WIDGET / "src" / "fold.js")
        assert done.returncode == 0, done.stderr
        return {each["id"]: each["text"] for each in json.loads(done.stdout)[0]["lines"] if each["status"] == "usable"}


async def test_every_reader_is_reset_by_a_restore_and_shows_what_the_log_has(system: System, tmp_path: Path) -> None:
    backup = str(tmp_path / "a.backup")
    run = asyncio.to_thread
    with WebhookReceiver() as receiver:
        relay = relay_of(system, receiver, tmp_path)
        reader = Reader(system)
        following = asyncio.create_task(reader.run())
        try:
            await eventually_read(reader)
            withdrawn, kept = await run(post, system, "Ferries run again"), await run(post, system, "Bridge reopens")
            saved = await run(system.ticker, "backup", backup)
            assert saved.code == 0, saved
            lost = [await run(post, system, text) for text in ("Rain moves east", "School stays shut")]
            gone = await run(system.tick, "withdraw", withdrawn, "-e", "en", "--reason", "It was wrong.")
            assert gone.code == 0, gone
            await run(until, lambda: set(receiver.shown) == {kept, *lost}, "the relay has sent everything")
            await eventually_has(reader, lambda: reader.messages[-1].get("line", {}).get("id") == withdrawn)
            ahead = reader.position
            refused = await run(system.ticker, "restore", backup, "--yes")
            assert (refused.code, "--replace" in refused.err) == (2, True), refused
            restored = await run(system.ticker, "restore", backup, "--replace", "--yes")
            assert restored.code == 0, restored
            added = [await run(post, system, f"After the restore {number}") for number in range(6)]
            await eventually_has(reader, lambda: reader.messages[-1].get("line", {}).get("id") == added[-1])
            returned = Reader(system, after=ahead)
            returning = asyncio.create_task(returned.run())
            await eventually_has(
                returned, lambda: returned.messages[-1:] != [] and returned.messages[-1]["type"] == "live"
            )
            await end(returning)
            expected = {kept, *added}
            assert set(await run(shown, system)) == expected
            assert (reader.resets, returned.resets) == (["replaced"], ["replaced"])
            assert int(ahead.partition("-")[0]) < int(returned.position.partition("-")[0])
            assert set(reader.folded(tmp_path)) == set(returned.folded(tmp_path)) == expected
            await run(until, lambda: set(receiver.shown) == expected, "the relay has sent the reset")
        finally:
            await end(following)
            relay.stop()
        assert receiver.invalid == []


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait until it has closed its connection."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def relay_of(system: System, receiver: WebhookReceiver, tmp_path: Path) -> Program:
    """Start a relay of the English edition."""
    words = ["relay", "-e", "en", "--gateway", system.url, "--state", str(tmp_path / "state"), "--allow-private"]
    environ = {**system.environ, "TICKER_RELAY_SECRET_CMS": SECRET, "TICKER_RELAY_RETRY_S": "0.2"}
    return Program([*words, "--to", f"cms={receiver.url}"], environ, tmp_path / "relay.log").start()


async def eventually_read(reader: Reader) -> None:
    await eventually_has(reader, lambda: bool(reader.messages) and reader.messages[-1]["type"] == "live")


async def eventually_has(reader: Reader, condition: Any) -> None:
    async def has() -> bool:
        return bool(condition())

    await eventually(has, "the reader has it")
