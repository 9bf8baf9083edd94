"""Prompts: a confirmation by one key, and a text. Nothing happens unless the editor answers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Input, Static

from publisher_cli.tui.steps import AskText, Confirm
from publisher_cli.tui.wrapping import wrapped


class Prompt(ModalScreen[ScreenResultType]):
    """A dialog at the bottom of the screen. The board above stays visible and live."""

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

    def answer(self, result: ScreenResultType) -> None:
        """Close the prompt. Only the first answer counts."""
        if not self._is_answered:
            self._is_answered = True
            self.app.call_later(self.dismiss, result)


class ConfirmPrompt(Prompt[bool]):
    """Ask for a confirmation: every key except the one that confirms cancels."""

    def __init__(self, question: Confirm) -> None:
        super().__init__(question)
        self._key = question.key

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        self.answer(event.key == self._key)


class TextPrompt(Prompt[str | None]):
    """Ask for a text: Enter submits it, Esc cancels."""

    def __init__(self, question: AskText) -> None:
        super().__init__(question, Input(question.value, compact=True, select_on_focus=False))
        self._check = question.check

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))

    def on_key(self, event: Key) -> None:
        if event.key == "escape":
            event.stop()
            self.answer(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (problem := self._check(event.value)) is not None:
            self.query_one("#hint", Static).update(Content.styled(problem, "$text-error"))
        else:
            self.answer(event.value)
