"""The status bar and the details bar."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from textual.app import App, ComposeResult
from textual.content import Content

from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.model import Connection, EditionModel, State
from publisher_cli.tui.widgets.status_bar import Bar, DetailsBar, StatusBar
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import held_item, model_of
from ticker.store.reach import Report

NOW = START + timedelta(minutes=3)
LIVE = Connection(State.LIVE, START)


class BarApp(App[None]):
    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield DetailsBar()


async def status_of(
    model: EditionModel | None, connection: Connection = LIVE, width: int = 140, pane: Pane = Pane.BOARD
) -> dict[str, str]:
    """Return the text of each visible part of the status bar, by id."""
    app = BarApp()
    async with app.run_test(size=(width, 10)):
        app.query_one(StatusBar).show(model, connection, NOW, requested="en", editions=["ar", "en"], pane=pane)
        bars = [bar for bar in app.query(Bar) if bar.display and bar.id]
        return {bar.id: str(bar.content) for bar in bars if bar.id}


async def details_of(model: EditionModel, pane: Pane, row_id: str | None) -> str:
    app = BarApp()
    async with app.run_test(size=(140, 10)):
        bar = app.query_one(DetailsBar)
        bar.show_row(model, pane, row_id, NOW)
        assert isinstance(bar.content, Content)
        return bar.content.plain


async def test_live_state_shows_the_latest_entry_and_its_readers() -> None:
    model = model_of("Ferries stop")
    assert "● live · entry 1 · no gateway reports readers · maha" in (await status_of(model))["state"]
    model.reports = [Report("g1", 1, 1, 9_000, 12.0)]
    assert "1 gateway · 9,000 readers · 12 ms" in (await status_of(model))["state"]
    assert "entry 1 · 9,000 readers  " in (await status_of(model, width=80))["state"]


async def test_lost_connection_shows_a_banner_with_its_duration_and_reason() -> None:
    lost = Connection(State.LOST, NOW - timedelta(seconds=7), "Redis can't be reached")
    status = await status_of(model_of(), lost)
    assert "(7 s)" in status["banner"]
    assert "Redis can't be reached. Reconnecting." in status["banner"]
    assert "banner" not in await status_of(model_of())


async def test_test_edition_has_a_banner() -> None:
    assert "TEST EDITION" in (await status_of(model_of(edition=msgspec.structs.replace(ENGLISH, test=True))))["test"]
    assert "test" not in await status_of(model_of())


async def test_tabs_count_the_rows_of_each_list() -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    tabs = " ".join((await status_of(model))["tabs"].split())
    assert tabs == "1 ar 2 en │ Board 1 Pending 1 Scheduled 0"
    model.held = None
    assert (await status_of(model))["tabs"].endswith(" Pending ?   Scheduled ? ")


async def test_details_describe_the_selected_line_or_held_item() -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    assert (await details_of(model, Pane.BOARD, "line-1")).startswith("line-1 v1 new by omar")
    assert "a flash needs a second person" in await details_of(model, Pane.PENDING, "held-1")
    assert await details_of(model, Pane.BOARD, None) == ""
    assert await details_of(model, Pane.PENDING, "gone") == ""


async def test_details_of_a_held_item_show_every_field_that_an_approval_publishes() -> None:
    model, item = model_of(), held_item("Polls close")
    url = "https://example.org/a"
    submission = msgspec.structs.replace(item.submission, url=url, section="politics", expires_at=NOW)
    model.held = [msgspec.structs.replace(item, submission=submission)]
    details = await details_of(model, Pane.PENDING, item.id)
    for shown in (f"link: {url}", "section: Politics", "expires: "):
        assert shown in details
