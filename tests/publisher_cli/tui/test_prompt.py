"""Prompts: only the right key confirms, and no other key has an effect."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.widgets import Input

from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.steps import AskText, Confirm, Quit, Refuse, Step
from publisher_cli.tui.widgets.prompt import ConfirmPrompt, TextPrompt
from tests.support.tui_harness import model_of, offline_tui
from ticker.core.errors import SettingsError

CONFIRMATION = Confirm(title="APPROVE?", about="Ferries stop", hint="y: approve", key="y", then=Quit)


def refuse_with(text: str) -> Step:
    if not text.strip():
        raise SettingsError("a reason is needed")
    return Refuse(text)


REQUEST = AskText(title="REJECT", about="", hint="the reason", then=refuse_with)


@pytest.mark.parametrize(("keys", "answer"), [("y", Quit()), ("n", None), ("enter", None), ("escape", None)])
async def test_only_the_key_of_a_confirmation_confirms(keys: str, answer: Step | None) -> None:
    answers: list[Step | None] = []
    app = App[None]()
    async with app.run_test() as pilot:
        await app.push_screen(ConfirmPrompt(CONFIRMATION), answers.append)
        await pilot.press(keys)
        await pilot.pause()
        assert answers == [answer]


async def test_second_key_has_no_effect_on_a_confirmation() -> None:
    answers: list[Step | None] = []
    app = App[None]()
    async with app.run_test() as pilot:
        prompt = ConfirmPrompt(CONFIRMATION)
        await app.push_screen(prompt, answers.append)
        prompt.answer(None)
        prompt.answer(Quit())
        await pilot.pause()
        assert answers == [None]


async def test_every_other_key_only_cancels_a_confirmation() -> None:
    keys = ("f3", "ctrl+n", "question_mark", "q", "w", "tab")
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.press("escape")
        for key in keys:
            answers: list[Step | None] = []
            await tui.app.push_screen(ConfirmPrompt(CONFIRMATION), answers.append)
            await tui.press(key)
            assert answers == [None], key
            assert tui.app.pane is Pane.BOARD
            assert len(tui.app.screen_stack) == 1
        assert not tui.app.outbox.is_waiting


async def test_text_that_the_check_rejects_keeps_the_prompt_open() -> None:
    answers: list[Step | None] = []
    app = App[None]()
    async with app.run_test() as pilot:
        await app.push_screen(TextPrompt(REQUEST), answers.append)
        await pilot.press("enter")
        await pilot.pause()
        assert answers == []
        await pilot.press("N", "o", "enter")
        await pilot.pause()
        assert answers == [Refuse("No")]


async def test_escape_cancels_a_text_prompt() -> None:
    answers: list[Step | None] = []
    app = App[None]()
    async with app.run_test() as pilot:
        await app.push_screen(TextPrompt(REQUEST), answers.append)
        assert isinstance(app.focused, Input)
        await pilot.press("N", "o", "escape")
        await pilot.pause()
        assert answers == [None]
