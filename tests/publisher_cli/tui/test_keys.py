"""Keys that arrive together have the same effect as keys that are typed slowly."""

from __future__ import annotations

import pytest
from textual.events import Paste

from publisher_cli.tui.widgets.composer import Composer
from tests.support.tui_harness import held_item, model_of, offline_tui

EDITS = {
    ("*October", *["backspace"] * 7, "*May"): "May",
    ("*harbor", "left", "*u"): "harbour",
    ("*une", "home", "*J"): "June",
    ("*pril", "ctrl+a", "*A", "ctrl+e", "*."): "April.",
    ("*xMay", "home", "delete", "end", "*!"): "May!",
    ("*old text", "ctrl+u", "*new"): "new",
    ("*old text", "ctrl+w", "*line"): "old line",
    ("*old text", "home", "ctrl+k", "*new"): "new",
    ("*ab", "left", "left", "right", "*-"): "a-b",
    ("*a b", "ctrl+left", "*x"): "a xb",
}


def keys_of(words: tuple[str, ...]) -> list[str]:
    """Return the keys: those of the letters after an asterisk, and a named key for each other word."""
    return [key for word in words for key in (word[1:] if word.startswith("*") else [word])]


@pytest.mark.parametrize("field", ["text", "section"])
async def test_letters_and_editing_keys_of_one_burst_keep_their_order(field: str) -> None:
    async with offline_tui(model_of()) as tui:
        if field == "section":
            await tui.burst("tab", "tab")
        for words, text in EDITS.items():
            await tui.burst("ctrl+a", "ctrl+k", *keys_of(words))
            assert getattr(tui.app.query_one(Composer).draft.fields, field) == text


async def test_letters_and_editing_keys_of_one_burst_keep_their_order_in_a_prompt() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.press("escape")
        await tui.burst("w", *"It was October", *["backspace"] * 7, *"May", "enter")
        await tui.shows("readers see the reason: It was May")


async def test_tab_and_the_letters_around_it_go_to_their_own_fields() -> None:
    async with offline_tui(model_of()) as tui:
        await tui.burst(*"Ferries stop", "tab", "2", "tab", *"sports", "shift+tab", "shift+tab", "end", *" now")
        fields = tui.app.query_one(Composer).draft.fields
        assert (fields.text, fields.urgency, fields.section) == ("Ferries stop now", "2", "sports")


async def test_enter_sends_what_was_typed_before_it() -> None:
    async with offline_tui(model_of()) as tui:
        await tui.burst(*"Ferries stop", "tab", "1", "enter", *"xyz")
        await tui.shows("SEND THIS FLASH TO EN?", "Ferries stop")
        assert "xyz" not in tui.text


async def test_letters_after_escape_are_commands_and_those_before_it_are_text() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.burst(*"push", "escape", "p")
        await tui.shows("PIN ")
        assert tui.typed == "push"


async def test_command_after_arrows_is_about_the_row_that_they_lead_to() -> None:
    async with offline_tui(model_of("Polls close", "Ferries stop", "Storm nears")) as tui:
        await tui.press("escape", "home")
        await tui.burst("down", "down", "up", "down", "w")
        await tui.shows("WITHDRAW", "Polls close")
        assert len(tui.app.screen_stack) == 2
        assert "Polls close" in tui.dialog


async def test_pasted_text_and_the_letters_after_it_keep_their_order() -> None:
    async with offline_tui(model_of()) as tui:
        tui.app.post_message(Paste("Ferries"))
        await tui.burst(*" stop", "backspace", "backspace", *"ay")
        assert tui.typed == "Ferries stay"


async def test_key_pressed_before_a_question_opens_is_no_answer() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.press("escape")
        await tui.burst("h", "ctrl+y")
        await tui.shows("HIDE line")
        assert not tui.app.outbox.is_waiting


@pytest.mark.parametrize(("key", "opened"), [("c", "CORRECT"), ("w", "WITHDRAW"), ("enter", "NEW LINE")])
async def test_keys_typed_ahead_of_a_form_or_a_prompt_are_text_and_no_commands(key: str, opened: str) -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    async with offline_tui(model) as tui:
        await tui.press("escape")
        await tui.burst(key, *"thaw")
        await tui.shows(opened, "thaw")
        assert len(tui.app.screen_stack) == (2 if key == "w" else 1)
        assert tui.app.current_theme.dark
