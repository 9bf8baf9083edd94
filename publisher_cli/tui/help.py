"""The help: every key."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from publisher_cli.tui.bindings import HELP


class Help(ModalScreen[None]):
    """Any key closes it."""

    def compose(self) -> ComposeResult:
        yield Static(HELP, markup=False)

    def on_key(self, event: Key) -> None:
        event.stop()
        self.app.call_later(self.dismiss)  # a screen can’t await its own end
