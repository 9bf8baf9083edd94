"""Drafts that an editor leaves and comes back to: the screen says so, and one key drops them."""

from __future__ import annotations

from publisher_cli.tui.messages import ModelChanged
from publisher_cli.tui.widgets.composer import Composer
from tests.support.tui_harness import model_of, offline_tui, run_tui

RESTORED = "what you typed before · Ctrl+L: start over"


async def test_change_that_was_left_comes_back_and_the_screen_says_so() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.press("escape", "c")
        assert RESTORED not in tui.text
        await tui.type(" today\t1")
        await tui.press("escape", "c")
        await tui.shows("CORRECT", RESTORED)
        fields = tui.app.query_one(Composer).draft.fields
        assert (fields.text, fields.urgency) == ("Ferries stop today", "1")
        await tui.press("ctrl+l")
        assert RESTORED not in tui.text
        assert tui.app.query_one(Composer).draft.is_blank
        await tui.press("escape", "c")
        assert (tui.typed, RESTORED in tui.text) == ("Ferries stop", False)


async def test_same_key_brings_a_dropped_draft_back() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.type("Half a sentence")
        await tui.press("ctrl+l")
        assert tui.typed == ""
        await tui.press("ctrl+l")
        assert tui.typed == "Half a sentence"
        await tui.press("ctrl+l", "escape", "u", "ctrl+l")
        assert tui.typed == "Ferries stop"


async def test_text_typed_before_the_first_connection_stays() -> None:
    model = model_of("Ferries stop")
    async with run_tui("redis://127.0.0.1:1", model.name, model.editor, live=False) as tui:
        await tui.type("Half a sent")
        tui.app.post_message(ModelChanged(model.name, model))
        await tui.shows("Ferries stop")
        await tui.type("ence")
        assert tui.typed == "Half a sentence"
