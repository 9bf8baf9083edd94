"""What a reader sees of tickers on a page, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

WAIT_S = 60.0
LOOK_MS = 10
"""How long until a condition is looked at again."""


def until(page: Page, condition: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Wait for something outside the page, while the page's events are handled."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        page.wait_for_timeout(LOOK_MS)  # and let Playwright take in what has happened


def as_time_passes(page: Page, condition: Callable[[], bool], what: str, step_ms: int = 3000) -> None:
    """`until`, while the page's own clock runs on."""

    def passes() -> bool:
        page.clock.run_for(step_ms)
        return condition()

    until(page, passes, what)


def host_page(server: str, *tickers: str, head: str = "", before: str = "", after: str = "") -> str:
    """Somebody else's page with tickers in it, each given by its attributes."""
    elements = "".join(f"<breaking-ticker {each}></breaking-ticker>" for each in tickers)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">{head}'
        f'<script type="module" src="{server}/widget/ticker.js"></script></head>'
        f"<body>{before}{elements}{after}</body></html>"
    )


def is_live(page: Page, count: int = 1) -> None:
    expect(page.locator("[part=ticker][data-state=live]")).to_have_count(count)


def texts(page: Page) -> Locator:
    """What can be read of each line, without its age."""
    return page.locator("breaking-ticker [part~=line] [part=text]")


def shows(page: Page, *lines: str) -> None:
    """Wait until exactly these lines show, from the top."""
    expect(texts(page)).to_have_text(list(lines))


def state(page: Page) -> str:
    found: str = page.evaluate("document.querySelector('breaking-ticker').state")
    return found


def reaches(page: Page, state: str) -> None:
    expect(page.locator(f"[part=ticker][data-state={state}]")).to_have_count(1)
