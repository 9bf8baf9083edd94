"""A `tick` command in this process, so that a test can interrupt it at a chosen step."""

from __future__ import annotations

import io
import json
from typing import Any

from publisher_cli.submit.change import submit_change
from publisher_cli.submit.line_change import submit_line_change
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from tests.support.system import System
from ticker.console import Console
from ticker.core.line import Change


class Command:
    """A change by maha in the edition `en`, unless `options` name others."""

    def __init__(self, system: System, *, json: bool = False, **options: Any) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.console = Console(system.environ, self.out, self.err)
        self.console.json = json
        defaults = {"data": None, "edition": "en", "editor": "maha", "wait_s": 10.0, "wants_reach": True}
        self.options = SubmitOptions(**{**defaults, **options})

    def send(self, request: ChangeRequest) -> int:
        """Submit a change, and return the exit code."""
        submit = submit_change if request.line is None else submit_line_change
        return submit(self.console, self.options, request)

    @property
    def printed(self) -> str:
        return self.out.getvalue() + self.err.getvalue()

    @property
    def document(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out.getvalue())


def new(text: str, **fields: Any) -> ChangeRequest:
    return ChangeRequest(change=Change.NEW, fields={"text": text, "again": True, **fields})
