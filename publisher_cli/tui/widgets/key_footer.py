"""The footer with the keys that apply now."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """A footer that is built again only if its keys change.

    Textual builds it whenever the focus moves. From one field of the compose line to the next, the keys are the same,
    and building the footer would take half of the time of a Tab key.
    """

    _keys: object = None

    def bindings_changed(self, screen: Screen[Any]) -> None:
        keys = [(each.binding, each.enabled) for each in screen.active_bindings.values() if each.binding.show]
        if keys != self._keys and screen.app.app_focus and screen is self.screen:
            self._keys = keys
            super().bindings_changed(screen)
