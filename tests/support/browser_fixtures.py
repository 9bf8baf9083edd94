"""Fixtures for tests with Chromium or its headless shell: a browser, profiles, a gateway, and another site's server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from scripts.engines import CHROMIUM, need_engine
from scripts.programs import HEADLESS_SHELL, find_program
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_reader import TIMEOUT_MS, Reader, Readers
from tests.support.shared_playwright import SharedPlaywright

expect.set_options(timeout=TIMEOUT_MS)


# Per module and not per session: no other test can run an event loop while Playwright's synchronous API is in use.
@pytest.fixture(scope="module")
def browser(playwright_driver: SharedPlaywright) -> Iterator[Browser]:
    """Chromium's headless shell, or else Chromium."""
    path = find_program(HEADLESS_SHELL) or need_engine(CHROMIUM).path
    with playwright_driver.browser(CHROMIUM, path) as browser:
        yield browser


@pytest.fixture(scope="module")
def whole_browser(playwright_driver: SharedPlaywright) -> Iterator[Browser]:
    """Chromium: its headless shell lacks the back/forward cache."""
    with playwright_driver.browser(CHROMIUM, need_engine(CHROMIUM).path) as browser:
        yield browser


@pytest.fixture
def harness() -> Iterator[BrowserHarness]:
    with BrowserHarness() as harness:
        yield harness


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as host:
        yield host


@pytest.fixture
def reader(browser: Browser) -> Iterator[Readers]:
    """Make readers' profiles. After the test, none of their pages may have had an error."""
    yield from _readers(browser)


@pytest.fixture
def whole_reader(whole_browser: Browser) -> Iterator[Readers]:
    """Make profiles like `reader`, in `whole_browser`."""
    yield from _readers(whole_browser)


def _readers(browser: Browser) -> Iterator[Readers]:
    readers: list[Reader] = []
    with ExitStack() as stack:

        def make(**options: object) -> Reader:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            stack.callback(context.close)
            readers.append(Reader(context))
            return readers[-1]

        yield make
    assert [error for each in readers for error in each.errors] == []
