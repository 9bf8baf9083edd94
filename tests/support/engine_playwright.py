"""Browsers that Playwright drives: Chromium, and Playwright's own builds of Firefox and WebKit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from scripts.engines import Engine, Found
from tests.support.browser_reader import NETWORK_ERRORS
from tests.support.engine_browser import HEIGHT, WAIT_S, WIDTH, EngineBrowser, Tab
from tests.support.shared_playwright import SharedPlaywright


class PlaywrightTab(Tab):
    def __init__(self, page: Page) -> None:
        self.page = page
        self._errors: list[str] = []
        page.set_default_timeout(1000 * WAIT_S)
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("console", self._on_console)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(NETWORK_ERRORS):
            self._errors.append(message.text)

    def goto(self, address: str) -> None:
        self.page.goto(address)

    def back(self) -> None:
        self.page.go_back(wait_until="commit")

    def evaluate(self, function: str, *arguments: object, in_frame: bool = False) -> Any:
        frame = self.page.frames[1] if in_frame else self.page.main_frame
        return frame.evaluate(f"given => ({function})(...given)", list(arguments))

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def resize(self, width: int, height: int) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def screenshot(self) -> bytes:
        return self.page.screenshot()

    def close(self) -> None:
        self.page.close(run_before_unload=False)

    @property
    def errors(self) -> list[str]:
        return self._errors

    def wait(self) -> None:
        self.page.wait_for_timeout(10)  # handles the events of the page


class PlaywrightBrowser(EngineBrowser):
    def __init__(self, engine: Engine, browser: Browser) -> None:
        super().__init__(engine)
        self._browser = browser
        self._context: BrowserContext | None = None

    @property
    def version(self) -> str:
        return self._browser.version

    def new_tab(self) -> Tab:
        if self._context is None:
            self._context = self._browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        return PlaywrightTab(self._context.new_page())

    def forget(self) -> None:
        if self._context is not None:
            self._context.close()
            self._context = None


@contextmanager
def lend_playwright_browser(shared: SharedPlaywright, found: Found) -> Iterator[EngineBrowser]:
    """Lend a browser that other users have, too. Its tabs are closed at the end."""
    with shared.browser(found.engine, found.path) as browser:
        yield PlaywrightBrowser(found.engine, browser)


@contextmanager
def start_playwright_browser(found: Found) -> Iterator[EngineBrowser]:
    shared = SharedPlaywright()
    try:
        with lend_playwright_browser(shared, found) as browser:
            yield browser
    finally:
        shared.close()
