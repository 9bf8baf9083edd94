"""The desk view as an editor's own Redis user, who may do only what an editor does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher_cli.tui.model import State
from tests.access.conftest import GuardedServer
from tests.access.test_system import Parts
from tests.support.tui_harness import view_of


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    """A desk for two editions; Omar may post to one of them."""
    with GuardedServer(folder / "r") as server:
        parts = Parts(server, folder)
        with parts.desk:
            server.add_editor("omar", "-e", "en")
            yield parts


async def test_an_editors_rights_are_enough_and_no_more_is_tried(parts: Parts) -> None:
    async with view_of(parts.server.url_of("omar"), "en", editor="omar") as view:
        await view.paste("Weather office: Storm nears the coast")
        await view.press("enter")
        await view.shows("ON AIR", "en 1", "by omar", "Decide 0")
    assert parts.denied() == []


async def test_an_edition_that_may_not_be_read_says_so_and_the_way_back_is_open(parts: Parts) -> None:
    async with view_of(parts.server.url_of("omar"), "en", editor="omar") as view:
        await view.paste("Ferries stop")
        await view.press("ctrl+n")
        await view.shows("NOT CONNECTED", "refuses")
        await view.press("ctrl+n")
        await view.until(lambda: view.app.connection.state is State.LIVE, "it is live again")
        await view.shows("● live", "nothing is on the board")
        assert view.typed == "Ferries stop"
