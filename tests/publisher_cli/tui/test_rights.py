"""The terminal application with the Redis user of one editor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher_cli.tui.model import State
from tests.support.guarded_server import GuardedServer, GuardedSystem
from tests.support.tui_harness import run_tui


@pytest.fixture
def parts(folder: Path) -> Iterator[GuardedSystem]:
    """Run a desk for two editions. Omar may post to one of them."""
    with GuardedServer(folder / "r") as server:
        parts = GuardedSystem(server, folder)
        with parts.desk:
            server.add_editor("omar", "-e", "en")
            yield parts


async def test_redis_rights_of_an_editor_suffice(parts: GuardedSystem) -> None:
    async with run_tui(parts.server.url_of("omar"), "en", editor="omar") as tui:
        await tui.paste("Weather office: Storm nears the coast")
        await tui.press("enter")
        await tui.shows("ON AIR", "en 1", "by omar", "Pending 0")
    assert parts.denied() == []


async def test_unreadable_edition_is_reported_and_the_editor_can_switch_back(parts: GuardedSystem) -> None:
    async with run_tui(parts.server.url_of("omar"), "en", editor="omar") as tui:
        await tui.paste("Ferries stop")
        await tui.press("ctrl+n")
        await tui.shows("NOT CONNECTED", "rejects the command")
        await tui.press("ctrl+n")
        await tui.until(lambda: tui.app.connection.state is State.LIVE, "it is live again")
        await tui.shows("● live", "nothing is on the board")
        assert tui.typed == "Ferries stop"
