"""A browser of any engine behind one small interface, for tests that run in Chromium, Firefox and WebKit.

with start_browser(FIREFOX) as browser:
    tab = browser.open("http://127.0.0.1:8080/en")
    tab.until("() => document.querySelector('breaking-ticker').state === 'live'", "live")
    tab.press("Tab")
    Path("page.png").write_bytes(tab.screenshot())
    assert tab.errors == []
"""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from typing import Any

from scripts.engines import Engine

WAIT_S = 60.0
"""Maximum time for any single wait. On an idle machine most waits take milliseconds."""
WIDTH, HEIGHT = 1000, 1600
"""The size of a new tab's viewport in pixels."""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process: with SIGTERM, or with SIGKILL if it doesn't react."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Tab(ABC):
    """A tab of a browser."""

    @abstractmethod
    def goto(self, address: str) -> None:
        """Load a page, and wait for its `load` event."""

    @abstractmethod
    def back(self) -> None:
        """Go back in the tab's history, and wait until the page shows."""

    @abstractmethod
    def evaluate(self, function: str, *arguments: object, in_frame: bool = False) -> Any:
        """Call a JavaScript function in the page, and return its result, or that of its promise.

        Args:
            function: The source, such as `(a, b) => a + b`.
            arguments: Values that JSON can represent.
            in_frame: Call it in the page's first frame, also if that is of another origin.

        """

    @abstractmethod
    def press(self, key: str) -> None:
        """Press and release a key: a character, or a name such as `Tab`, `Enter`, `Space`, `ArrowLeft`."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Set the size of the viewport in pixels."""

    @abstractmethod
    def screenshot(self) -> bytes:
        """Return a PNG picture of the viewport."""

    @abstractmethod
    def close(self) -> None:
        """Close the tab, as a reader does."""

    @property
    @abstractmethod
    def errors(self) -> list[str]:
        """The errors that the driver reports, without those about a failing network. WebKitGTK's reports none.

        The script `engine_pages.RECORDER` records those of a test's own pages in every engine.
        """

    def wait(self) -> None:
        """Let a few milliseconds pass between two checks of a condition."""
        time.sleep(0.01)

    def until(self, function: str, what: str, *arguments: object, in_frame: bool = False) -> None:
        """Wait until a JavaScript function returns true. `what` describes the condition if it never does."""
        deadline = time.monotonic() + WAIT_S
        while not self.evaluate(function, *arguments, in_frame=in_frame):
            assert time.monotonic() < deadline, f"not within {WAIT_S:g} s: {what}. Errors: {self.errors}"
            self.wait()


class EngineBrowser(ABC):
    """A running browser."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    @abstractmethod
    def version(self) -> str:
        """The version of the browser, such as `153.0`."""

    @abstractmethod
    def new_tab(self) -> Tab:
        """Open an empty tab. All tabs until the next `forget` are of one reader: they share storage and locks."""

    @abstractmethod
    def forget(self) -> None:
        """Close all tabs."""

    def open(self, address: str) -> Tab:
        """Open a page in a new tab."""
        tab = self.new_tab()
        tab.goto(address)
        return tab
