"""Playwright's driver and the browsers that it drives. A test process starts each of them once: that takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Playwright, sync_playwright

from scripts.engines import CHROMIUM, Engine

DISABLED_FEATURES: Final = (
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

ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--js-flags=--expose-gc",
    "--disable-features=" + ",".join(DISABLED_FEATURES),
)


def launch(playwright: Playwright, engine: Engine, path: Path) -> Browser:
    """Start the browser at `path`."""
    options: dict[str, Any] = {"executable_path": path}
    if engine == CHROMIUM:
        # Readers have the back/forward cache.
        options |= {"args": ARGUMENTS, "ignore_default_args": ["--disable-back-forward-cache"]}
    browser: Browser = getattr(playwright, engine.name).launch(**options)
    return browser


class SharedPlaywright:
    """The driver and the browsers of this process. They start with their first use.

    Playwright's synchronous API has an event loop of its own, which asyncio regards as running until the driver ends.
    Tests that don't use it need other loops. So asyncio knows of this one only within `used`.
    """

    def __init__(self) -> None:
        self._manager = sync_playwright()
        self._playwright: Playwright | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._browsers: dict[Path, Browser] = {}
        self._users = 0

    @contextmanager
    def used(self) -> Iterator[Playwright]:
        """Let the caller use the driver and its browsers."""
        self._users += 1
        try:
            if self._playwright is None:
                self._playwright = self._manager.start()
                self._loop = asyncio.get_running_loop()
            asyncio._set_running_loop(self._loop)
            yield self._playwright
        finally:
            self._users -= 1
            if not self._users:
                asyncio._set_running_loop(None)

    @contextmanager
    def browser(self, engine: Engine, path: Path) -> Iterator[Browser]:
        """Lend the browser at `path`. Contexts that the caller leaves open are closed."""
        with self.used() as playwright:
            browser = self._browsers.get(path)
            if browser is None or not browser.is_connected():  # a test may have crashed it
                browser = self._browsers[path] = launch(playwright, engine, path)
            yield browser
            for context in browser.contexts:
                context.close()

    def close(self) -> None:
        """End the browsers and the driver."""
        if self._playwright is not None:
            with self.used():
                for browser in self._browsers.values():
                    browser.close()
                self._manager.__exit__()
