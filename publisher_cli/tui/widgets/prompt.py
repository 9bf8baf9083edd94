"""Asking in place: for a reason, for a time, or whether it is meant. Nothing is done unless it is answered."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, Static

from publisher_cli.tui.wrapping import wrapped


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, of what, and what is done with the answer.

    With a `key`, only that key says yes, and every other key no. Without one, a text is asked for that begins as
    `given`; `check` says why one won't do.
    """

    title: str
    about: str = ""
    hint: str = ""
    key: str | None = None
    given: str = ""
    answer: Callable[[str], None]
    check: Callable[[str], str | None] = lambda _: None


class Asking(Vertical):
    """Takes the compose line's place while it asks."""

    can_focus = True

    class Over(Message):
        """It was answered, or not."""

        def __init__(self, question: Question, given: str | None) -> None:
            super().__init__()
            self.question = question
            self.given = given

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._question: Question | None = None

    @property
    def question(self) -> Question | None:
        return self._question

    def compose(self) -> ComposeResult:
        yield Static(id="question")
        yield Static(id="about")
        yield Input(id="answer", compact=True)
        yield Static(id="hint")

    def ask(self, question: Question) -> None:
        self._question = question
        self.query_one("#question", Static).update(Content.styled(f" {question.title} ", "bold reverse"))
        about = self.query_one("#about", Static)
        about.update(wrapped(Content(question.about), self.app.size.width - 2))
        about.display = bool(question.about)
        self._hint(question.hint)
        answer = self.query_one("#answer", Input)
        answer.display = question.key is None
        answer.value = question.given
        self.display = True
        (answer if question.key is None else self).focus()

    def _hint(self, text: str, style: str = "$foreground 60%") -> None:
        self.query_one("#hint", Static).update(Content.styled(text, style))

    def on_key(self, event: Key) -> None:
        question = self._question
        if question is None:
            return
        if question.key is not None:
            event.stop()
            event.prevent_default()
            self._end(question.key if event.key == question.key else None)
        elif event.key == "escape":
            event.stop()
            self._end(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        assert self._question is not None
        if (why_not := self._question.check(event.value)) is not None:
            self._hint(why_not, "$text-error")
            return
        self._end(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()

    def _end(self, given: str | None) -> None:
        question, self._question = self._question, None
        self.display = False
        assert question is not None
        self.post_message(self.Over(question, given))
