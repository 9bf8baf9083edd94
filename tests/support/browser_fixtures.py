"""Fixtures for tests with Chromium or its headless shell: a browser, profiles, a gateway, and another site's server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from scripts.engines import CHROMIUM, need_engine
from scripts.programs import HEADLESS_SHELL, find_program
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
def driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium's headless shell, or else Chromium."""
    yield from _launch(driver, find_program(HEADLESS_SHELL) or need_engine(CHROMIUM).path)


@pytest.fixture(scope="module")
def whole_browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium: its headless shell lacks the back/forward cache."""
    yield from _launch(driver, need_engine(CHROMIUM).path)


def _launch(driver: Playwright, path: Path) -> Iterator[Browser]:
    browser = driver.chromium.launch(
        executable_path=path,
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
