"""Prompts: a confirmation by one key, and a text. Nothing happens unless the editor answers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key, Mount
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from publisher_cli.tui.keys import OwnKeys
from publisher_cli.tui.steps import AskText, Confirm, Quit, Step
from publisher_cli.tui.wrapping import wrapped
from ticker.core.errors import SettingsError


class Prompt(ModalScreen[Step | None]):
    """A dialog at the bottom of the screen. The board above stays visible and live.

    Its result is the step to continue with, or None if the editor canceled it.
    """

    def __init__(self, question: Confirm | AskText, *inputs: Input) -> None:
        super().__init__()
        self._question = question
        self._inputs = inputs
        self._is_answered = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content.styled(f" {self._question.title} ", "bold reverse"))
            if self._question.about:
                yield Static(wrapped(Content(self._question.about), self.app.size.width - 2))
            yield from self._inputs
            yield Static(Content.styled(self._question.hint, "$foreground 60%"), id="hint")

    @property
    def asks_to_quit(self) -> bool:
        return self._question.then is Quit

    def answer(self, step: Step | None) -> None:
        """Close the prompt. Only the first answer counts."""
        if not self._is_answered:
            self._is_answered = True
            self.app.call_later(self.dismiss, step)


class ConfirmPrompt(Prompt):
    """Ask for a confirmation: every key except the one that confirms cancels.

    A key that was pressed before the prompt opened doesn't count.
    """

    def __init__(self, question: Confirm) -> None:
        super().__init__(question)
        self._key = question.key
        self._then = question.then
        self._opened_at = 0.0

    def on_mount(self, event: Mount) -> None:
        self._opened_at = event.time

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        if event.time > self._opened_at:
            self.answer(self._then() if event.key == self._key else None)


class Answer(Input, OwnKeys):
    """The text that an editor types into a prompt."""


class TextPrompt(Prompt):
    """Ask for a text: Enter submits it, Esc cancels."""

    def __init__(self, question: AskText) -> None:
        super().__init__(question, Answer(question.value, compact=True, select_on_focus=False))
        self._then = question.then

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))

    def on_key(self, event: Key) -> None:
        if event.key == "escape":
            event.stop()
            self.answer(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.answer(self._then(event.value))
        except SettingsError as error:
            self.query_one("#hint", Static).update(Content.styled(str(error), "$text-error"))
