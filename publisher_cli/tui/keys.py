"""Handle keys in the order in which they were typed.

Each Textual widget has its own queue. The application passes a letter to the queue of the focused field. A key that the
field doesn't handle itself, such as Backspace, goes from parent to parent back to the application, which then runs its
binding. Without this module, if several keys arrive together, letters that were typed after Backspace are inserted
before Backspace deletes anything.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from textual.app import App
from textual.binding import Binding
from textual.events import Event, Key, Paste
from textual.widget import Widget

HANDLED_S: Final = 1.0
"""How long the application waits for a widget to handle a key. A key takes milliseconds; an error must not block."""


class OwnKeys(Widget):
    """A widget that runs its own bindings when it gets the key, like the letters before and after it.

    Name this base last: Textual takes the styles of a widget from the first base.
    """

    async def on_key(self, event: Key) -> None:
        action = _own_actions(type(self)).get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)


def _own_actions(widget: type[Widget]) -> dict[str, str]:
    """Return the actions of a widget by their keys, without the actions that the application runs first."""
    actions: dict[str, str] = {}
    for base in reversed(widget.__mro__):
        if issubclass(base, Widget) and not issubclass(Widget, base):
            bindings = Binding.make_bindings(base.__dict__.get("BINDINGS", ()))
            actions |= {binding.key: binding.action for binding in bindings if not binding.priority}
    return actions


class KeysInOrder(App[str]):
    """An application that looks at the next key only after the focused widget has handled the one before."""

    async def on_event(self, event: Event) -> None:
        is_typed = isinstance(event, (Key, Paste)) and not event.is_forwarded
        focused = self.focused if is_typed else None
        await super().on_event(event)
        handled = asyncio.Event()
        if focused is not None and focused.call_later(handled.set):
            with suppress(TimeoutError):
                await asyncio.wait_for(handled.wait(), HANDLED_S)
