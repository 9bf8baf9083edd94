"""A virtual screen reader (npm `@guidepup/virtual-screen-reader`) in the page of a test.

It computes roles, names, states and live regions from the rendered page, by the rules of the ARIA specifications.
NVDA, JAWS, VoiceOver and TalkBack use other words and another order.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import JSHandle, Page

from scripts.build_widget import BUILD_TIMEOUT_S, ROOT, install_tools

SOURCE: Final = Path(__file__).with_suffix(".js")
# Not the page's own timer: a test may have stopped the page's clock.
TIMER: Final = """const setTimeout = act => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); act(); };
  port2.postMessage(null);
};"""


@cache
def _bundle() -> str:
    esbuild = install_tools() / ".bin" / "esbuild"
    words = [str(esbuild), str(SOURCE), "--bundle", "--format=iife", "--log-level=warning"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=True)
    return f"(() => {{ {TIMER}\n{done.stdout} }})()"


class ScreenReader:
    """Reads one element of a page, and hears its announcements from now on."""

    def __init__(self, page: Page, selector: str = "breaking-ticker") -> None:
        if not page.evaluate("'ScreenReader' in window"):
            page.evaluate(_bundle())
        self._reader: JSHandle = page.locator(selector).first.evaluate_handle("element => new ScreenReader(element)")
        self._reader.evaluate("reader => reader.start()")
        self._heard = 0

    def read(self) -> list[str]:
        """Return all phrases of the element, from the first to the last."""
        phrases: list[str] = self._reader.evaluate("reader => reader.read()")
        return phrases

    def announcements(self) -> list[str]:
        """Return the announcements since the last call."""
        all_of_them: list[Any] = self._reader.evaluate("reader => reader.announcements()")
        new, self._heard = all_of_them[self._heard :], len(all_of_them)
        return new
