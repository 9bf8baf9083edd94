"""The key bindings. The footer and the help screen are generated from these tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static


class Pane(Enum):
    """A list that the application can show. The value is the label of its tab."""

    BOARD = "Board"
    PENDING = "Pending"
    SCHEDULED = "Scheduled"


# The footer shows bindings in this order and cuts off those that don't fit: the most frequent come first.
# The help screen shows each binding that has a tooltip.

ON_COMPOSER: Final[list[BindingType]] = [
    Binding("enter", "app.submit", "send", priority=True, tooltip="Send the line to the desk"),
    # Enter, pressed before the application opened: the terminal has turned it into a line feed. No prompt accepts it.
    Binding("ctrl+j", "app.submit", "send", priority=True, show=False),
    Binding("tab", "next_field", "fields", priority=True, tooltip="Next field; Shift+Tab goes back"),
    Binding("shift+tab", "previous_field", "fields", priority=True, show=False),
    Binding("escape", "app.leave_composer", "list", priority=True, tooltip="To the list: letters are commands"),
    Binding("ctrl+o", "toggle_details", "more", priority=True, tooltip="Story, url, embargo and expiry"),
    Binding("f1", "app.help", "help", priority=True),
    Binding("ctrl+q", "app.leave", "quit", priority=True),
    Binding("ctrl+g", "app.toggle_glass", "break glass", priority=True, show=False, tooltip="Chief: skip the review"),
    Binding("ctrl+r", "toggle_again", "again", priority=True, show=False, tooltip="Send it although a duplicate"),
    Binding(
        "ctrl+l", "app.start_over", "start over", priority=True, show=False, tooltip="Drop the text; again: get it back"
    ),
    Binding("ctrl+t", "use_urgency", "urgency", priority=True, show=False, tooltip="BREAKING: becomes an urgency"),
]

_ON_BOARD: Final[list[BindingType]] = [
    Binding("u", "app.act('update')", "update", tooltip="Update: new facts"),
    Binding("c", "app.act('correct')", "correct", tooltip="Correct: readers see why"),
    Binding("w", "app.act('withdraw')", "withdraw", tooltip="Withdraw for good"),
    Binding("h", "app.act('hide')", "hide", tooltip="Hide, or unhide"),
    Binding("p", "app.act('pin')", "pin", tooltip="Pin for a time, or unpin"),
]
_ON_BOARD_RARELY: Final[list[BindingType]] = [
    Binding("r", "app.act('refile')", "refile", tooltip="Refile: fix a typo"),
    Binding("z", "app.act('undo')", "undo", tooltip="Take back the line sent last"),
]
_ON_PENDING: Final[list[BindingType]] = [
    Binding("a", "app.act('approve')", "approve", tooltip="Approve another editor's item"),
    Binding("x", "app.act('reject')", "reject", tooltip="Reject, with a reason"),
    Binding("g", "app.act('approve_alone')", "break glass", tooltip="Chief: approve without review"),
]
_ON_HELD: Final[list[BindingType]] = [
    Binding("z", "app.act('take_back')", "take back", tooltip="Take back your own item"),
]
_WRITE: Final[list[BindingType]] = [
    # No letter starts a new line: after a sentence typed here by mistake, nothing of it is in the compose line.
    Binding("enter", "app.write_new", "write", tooltip="Write a new line"),
    Binding("tab,shift+tab", "app.return_to_text", "write", show=False),
]
_GO_TO: Final[list[BindingType]] = [
    Binding("b,escape", "app.other_pane('BOARD')", "board"),
    Binding("d", "app.other_pane('PENDING')", "pending"),
    Binding("s", "app.other_pane('SCHEDULED')", "scheduled"),
    Binding("question_mark", "app.help", "help"),
]
_RARELY: Final[list[BindingType]] = [
    Binding("1", "app.edition(1)", "edition", key_display="1-9"),
    *(Binding(str(number), f"app.edition({number})", "edition", show=False) for number in range(2, 10)),
    Binding("t", "app.toggle_light", "light or dark", show=False, tooltip="Light or dark colors"),
]

_ARABIC_KEYS: Final = {
    "u": "ع", "c": "ؤ", "w": "ص", "h": "ا", "p": "ح", "r": "ق", "z": "ئ", "a": "ش", "x": "ء", "g": "ل", "d": "ي",
    "s": "س", "t": "ف", "question_mark": "؟",
}  # fmt: skip
"""The characters on the same keys of an Arabic keyboard. Its `b` key types two letters; Escape and F2 do the same."""


def _with_arabic_keys(bindings: Iterable[BindingType]) -> Iterator[BindingType]:
    """Add a hidden binding for each key that has another character on an Arabic keyboard."""
    for binding in Binding.make_bindings(bindings):
        yield binding
        if character := _ARABIC_KEYS.get(binding.key):
            yield Binding(character, binding.action, binding.description, show=False)


# These bindings belong to the list, so Textual finds them only while the list has the focus. With priority, it runs a
# key's action before it passes on the next key. Without, keys that are typed ahead of a form would be commands, too.
ON_LIST: Final[list[BindingType]] = [
    dataclasses.replace(binding, priority=True)
    for binding in Binding.make_bindings(
        _with_arabic_keys([*_ON_BOARD, *_ON_PENDING, *_WRITE, *_GO_TO, *_ON_HELD, *_ON_BOARD_RARELY, *_RARELY])
    )
]

EVERYWHERE: Final[list[BindingType]] = [
    # While something is typed, these only show the list: the focus stays in the text.
    Binding("f2", "pane('BOARD')", "board", priority=True, show=False, tooltip="Board; on a list: b"),
    Binding("f3", "pane('PENDING')", "pending", priority=True, show=False, tooltip="Pending items; on a list: d"),
    Binding("f4", "pane('SCHEDULED')", "scheduled", priority=True, show=False, tooltip="Scheduled items; on a list: s"),
    Binding("ctrl+n", "next_edition", "edition", priority=True, tooltip="Next edition; on a list: 1 to 9"),
    Binding("ctrl+c", "interrupt", "undo or quit", priority=True, show=False, tooltip="Take back the line sent last"),
    Binding("f1", "help", "help", priority=True, show=False, tooltip="This help; on a list: ?"),
    Binding("ctrl+q", "leave", "quit", priority=True, show=False, tooltip="Quit"),
]


def _actions(bindings: Iterable[BindingType]) -> frozenset[str]:
    return frozenset(binding.action.removeprefix("app.") for binding in Binding.make_bindings(bindings))


BLOCKED_BY_DIALOGS: Final = {action.partition("(")[0] for action in _actions([*EVERYWHERE, *ON_LIST])} - {
    "interrupt",
    "leave",
}
"""Actions that a prompt or the help screen disables while it is open."""

_ROW_ACTIONS: Final = {
    Pane.BOARD: _actions([*_ON_BOARD, *_ON_BOARD_RARELY]),
    Pane.PENDING: _actions([*_ON_PENDING, *_ON_HELD]),
    Pane.SCHEDULED: _actions(_ON_HELD),
}

_PANE_KEYS: Final = {Pane.BOARD: "b", Pane.PENDING: "d", Pane.SCHEDULED: "s"}
_PANE_NAMES: Final = {
    Pane.BOARD: "lines of the board",
    Pane.PENDING: "pending items",
    Pane.SCHEDULED: "scheduled items",
}


def is_applicable(action: str, parameters: tuple[object, ...], pane: Pane) -> bool:
    """Return whether an action applies to the list `pane`: to its rows, or to go from it to another list."""
    if action == "act":
        return f"act({parameters[0]!r})" in _ROW_ACTIONS[pane]
    return action != "other_pane" or parameters[0] != pane.name


def why_not_here(key: str, pane: Pane) -> str | None:
    """Return why a key on the list `pane` does nothing: its action applies to other lists. None if it has no action."""
    found = {
        there: binding.description
        for binding in Binding.make_bindings(ON_LIST)
        for there, actions in _ROW_ACTIONS.items()
        if binding.key == key and binding.action.removeprefix("app.") in actions
    }
    if not found or pane in found:
        return None
    there, description = next(iter(found.items()))
    return f"{description} applies to the {_PANE_NAMES[there]}: press {_PANE_KEYS[there]} first"


_INTRODUCTION: Final = (
    'Write "Who: what happened". Text that is neither on air nor held stays here.\n'
    "Urgency: 1 flash to 4 routine. Time: 20m or 14:30. Ctrl+Y confirms."
)
_CONCLUSION: Final = "After NOT ON AIR you may send the same line again: it can't go on air twice."
_LEFT: Final = (("COMPOSE LINE", ON_COMPOSER), ("EVERYWHERE", EVERYWHERE))
_RIGHT: Final = (
    ("LINE SELECTED", [*_ON_BOARD, *_ON_BOARD_RARELY, *_WRITE]),
    ("HELD ITEM SELECTED", [*_ON_PENDING, *_ON_HELD]),
    ("ON ANY LIST", _RARELY),
)


class HelpScreen(ModalScreen[None]):
    """A list of all keys and their actions. Any key closes it."""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(_INTRODUCTION, markup=False)
            with Horizontal():
                for sections in (_LEFT, _RIGHT):
                    yield Static(_help_column(sections, self.app.get_key_display))
            yield Static(_CONCLUSION, markup=False)

    def on_key(self, event: Key) -> None:
        event.stop()
        self.app.call_later(self._close)

    async def _close(self) -> None:
        if self.is_current:
            await self.dismiss()


def _help_column(
    sections: Sequence[tuple[str, Iterable[BindingType]]], key_display: Callable[[Binding], str]
) -> Content:
    lines: list[Content] = []
    for title, bindings in sections:
        lines.append(Content.styled(title, "bold"))
        for binding in Binding.make_bindings(bindings):
            if binding.tooltip:
                key = Content.styled(f"{key_display(binding):>4} ", "bold $text-accent")
                lines.append(key + Content(binding.tooltip))
        lines.append(Content(""))
    return Content("\n").join(lines[:-1])
