"""A reader's browser profile in tests: its pages, the requests that they made, and their errors."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

TIMEOUT_MS = 60_000
"""Maximum time for any single wait. It only ends a test that hangs: a busy machine must not reach it."""
NETWORK_ERRORS = ("WebSocket connection", "Failed to load resource")
"""The beginnings of messages that the browser logs about a failing network. Readers ignore them."""


class Reader:
    """One browser profile. An error that a page logs fails the test, unless it begins with a text in `expected`."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.set_default_timeout(TIMEOUT_MS)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", self._on_console)
        context.on("request", lambda request: self.requests.append(request.url))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith((*NETWORK_ERRORS, *self.expected)):
            self.errors.append(message.text)

    def open(self, address: str) -> Page:
        page = self.context.new_page()
        page.goto(address)
        return page


Readers = Callable[..., Reader]
"""The type of the fixture `reader`: makes a profile with the given options of `Browser.new_context`."""
