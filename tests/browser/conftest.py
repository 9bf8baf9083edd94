"""What browser tests share: a Chromium, readers' pages in it, a newsroom and a host's web server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from scripts.chromium import find_chromium
from tests.support.browser_harness import Host, Newsroom

UNUSED = (
    # A process each, for the list below an address bar and for a page that may come: half of a test's time.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    # Of Playwright's own list, whose place this one takes, what matters here.
    "HttpsUpgrades",
    "MediaRouter",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
)
"""Features of Chromium that no test looks at."""

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--js-flags=--expose-gc",
    "--disable-features=" + ",".join(UNUSED),
)

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


# One a module, not one a session: while Playwright's synchronous side is open, no other test could run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    assert chromium is not None, "there is no Chromium: `make chromium` finds or installs one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=ARGUMENTS,
            ignore_default_args=["--disable-back-forward-cache"],  # readers have it
        )
        yield browser
        browser.close()


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    with Newsroom() as newsroom:
        yield newsroom


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as host:
        yield host


class Reader:
    """A reader's browser profile: pages, and everything that went wrong in them."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", self._note)
        context.on("request", lambda request: self.requests.append(request.url))

    def _note(self, message: object) -> None:
        kind, text = message.type, message.text  # type: ignore[attr-defined]
        # What the browser itself notes about a network that fails is no error of the page.
        if kind == "error" and not text.startswith(("WebSocket connection", "Failed to load resource", *self.expected)):
            self.errors.append(text)

    def open(self, address: str) -> Page:
        page = self.context.new_page()
        page.goto(address)
        return page


@pytest.fixture
def reader(browser: Browser) -> Iterator[Callable[..., Reader]]:
    """Makes readers; at the end none of their pages may have had an error."""
    readers: list[Reader] = []
    with ExitStack() as stack:

        def make(**options: object) -> Reader:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            stack.callback(context.close)
            readers.append(Reader(context))
            return readers[-1]

        yield make
    assert [error for each in readers for error in each.errors] == []
