"""Prompts: a confirmation by one key, and a text. Nothing happens unless the editor answers."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Input, Static

from publisher_cli.tui.wrapping import wrapped


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """A question that only `key` answers with yes. `about` quotes the line in question."""

    title: str
    about: str
    hint: str
    key: str


class TextRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a text. `check` returns why a text is not acceptable, or None if it is."""

    title: str
    about: str
    hint: str
    value: str = ""
    check: Callable[[str], str | None]


class Prompt(ModalScreen[ScreenResultType]):
    """A dialog at the bottom of the screen. The board above stays visible and live."""

    def __init__(self, request: Confirmation | TextRequest) -> None:
        super().__init__()
        self._request = request
        self._is_answered = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content.styled(f" {self._request.title} ", "bold reverse"))
            if self._request.about:
                yield Static(wrapped(Content(self._request.about), self.app.size.width - 2))
            yield from self.compose_answer()
            yield Static(Content.styled(self._request.hint, "$foreground 60%"), id="hint")

    def compose_answer(self) -> ComposeResult:
        """Compose the widgets between the question and the hint."""
        yield from ()

    def answer(self, result: ScreenResultType) -> None:
        """Close the prompt. Only the first answer counts."""
        if not self._is_answered:
            self._is_answered = True
            self.app.call_later(self.dismiss, result)


class ConfirmPrompt(Prompt[bool]):
    """Ask for a confirmation: every key except the one that confirms cancels."""

    def __init__(self, confirmation: Confirmation) -> None:
        super().__init__(confirmation)
        self._key = confirmation.key

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        self.answer(event.key == self._key)


class TextPrompt(Prompt[str | None]):
    """Ask for a text: Enter submits it, Esc cancels."""

    def __init__(self, request: TextRequest) -> None:
        super().__init__(request)
        self._value = request.value
        self._check = request.check

    def compose_answer(self) -> ComposeResult:
        yield Input(self._value, compact=True, select_on_focus=False)

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
