"""Fixtures for tests with a Chromium: the browser, readers' profiles, a gateway, and another site's web server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from scripts.engines import CHROMIUM, need_engine
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_reader import TIMEOUT_MS, Reader, Readers

DISABLED_FEATURES = (
    # Each takes a process, and together half of a test's time: the list below the address bar, and a spare page.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    # This list replaces Playwright's own, so it repeats the entries of that one that matter here.
    "HttpsUpgrades",
    "MediaRouter",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
)
"""Features of Chromium that the tests don't need."""

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--js-flags=--expose-gc",
    "--disable-features=" + ",".join(DISABLED_FEATURES),
)

expect.set_options(timeout=TIMEOUT_MS)


# Per module and not per session: no other test can run an event loop while Playwright's synchronous API is open.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = need_engine(CHROMIUM).path
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=ARGUMENTS,
            ignore_default_args=["--disable-back-forward-cache"],  # readers have that cache
        )
        yield browser
        browser.close()


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
    readers: list[Reader] = []
    with ExitStack() as stack:

        def make(**options: object) -> Reader:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            stack.callback(context.close)
            readers.append(Reader(context))
            return readers[-1]

        yield make
    assert [error for each in readers for error in each.errors] == []
