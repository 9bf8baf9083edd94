"""What the keys and the compose line act on: the application, as far as they know it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.draft import Draft
from publisher_cli.tui.mail import Mail
from publisher_cli.tui.model import Connection, Picture
from publisher_cli.tui.widgets.prompt import Question
from ticker.core.line import Line
from ticker.core.submission import Request


class Stage(Protocol):
    """One edition on the screen, or none yet."""

    connection: Connection
    picture: Picture | None
    pane: Pane
    mail: Mail

    @property
    def chosen(self) -> str | None:
        """The id of the row that is chosen."""
        ...

    def now(self) -> datetime: ...

    def show(self) -> None:
        """Draw what has changed."""
        ...

    def ask(self, question: Question) -> None: ...

    def refuse(self, why: str, word: str = "NOT DONE") -> None:
        """Say why something can't be done."""
        ...

    def send(
        self,
        request: Request,
        quoted: str,
        *,
        edition: str | None = None,
        line: Line | None = None,
        draft: Draft | None = None,
    ) -> None:
        """Hand a request in, to the edition that shows where none is named.

        `line` is the version that it changes; `draft` is what it was made of, in the compose line.
        """
        ...

    def write(self, draft: Draft) -> None:
        """Turn the compose line to a draft."""
        ...

    def bring_back(self, draft: Draft) -> None:
        """Put words that were taken back into the compose line, if nothing else stands there."""
        ...
