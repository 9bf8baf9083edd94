"""Key presses in the form that WebDriver and WebDriver BiDi share."""

from __future__ import annotations

from typing import Any

# https://www.w3.org/TR/webdriver2/#keyboard-actions
_KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Shift": "\ue008", "Escape": "\ue00c", "Space": " ",
    "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}  # fmt: skip


def key_actions(key: str) -> list[dict[str, Any]]:
    """Return the actions that press and release a key, such as `a`, `Tab` or `Shift+Tab`."""
    values = [_KEYS.get(name, name) for name in key.split("+")]
    actions = [{"type": "keyDown", "value": value} for value in values]
    actions += [{"type": "keyUp", "value": value} for value in reversed(values)]
    return [{"type": "key", "id": "keyboard", "actions": actions}]
