"""Steps: an action returns one, and the application performs it. It refuses, edits, sends, or asks first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from publisher_cli.tui.draft import Draft
from ticker.core.line import Line
from ticker.core.submission import Request

CONFIRM_KEY: Final = "ctrl+y"
"""The key that confirms. No letter and no Enter: a sentence typed at the wrong place must not confirm anything."""


class Refuse(msgspec.Struct, frozen=True):
    """Show why nothing was done, under the headline `word`. Focus the `field` of the compose line, if one is named."""

    reason: str
    word: str = "NOT DONE"
    field: str | None = None


class Edit(msgspec.Struct, frozen=True):
    """Load a draft into the compose line."""

    draft: Draft


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send a request to the desk of `edition`. The outbox keeps it until it has a receipt.

    `quoted` is the text to show in its receipt. `draft` is the draft that the request was made from, and `line` the
    version that it changes. `restore` is a draft to put back into the compose line if that is blank.
    """

    edition: str
    request: Request
    quoted: str
    line: Line | None = None
    draft: Draft | None = None
    restore: Draft | None = None


class Confirm(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a confirmation, which only `key` gives. Continue with `then` if the editor confirms.

    `about` quotes the line in question. `hint` explains the keys.
    """

    title: str
    about: str
    hint: str
    key: str = CONFIRM_KEY
    then: Callable[[], Step]


class AskText(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a text, such as a reason. Continue with `then` once the editor has entered it.

    `then` raises `SettingsError` if a text is not acceptable: the prompt shows why, and stays open.
    """

    title: str
    about: str
    hint: str
    value: str = ""
    then: Callable[[str], Step]


class Quit(msgspec.Struct, frozen=True):
    """End the application."""


Step: TypeAlias = Refuse | Edit | Send | Confirm | AskText | Quit
