"""In every engine: the status page is live, says when its figures are old, and becomes live again."""

from __future__ import annotations

import httpx

from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host

FIGURE = "() => document.querySelector('#readers .figure').textContent"
SHOWS = f"text => ({FIGURE})() === text"
EDITIONS = "() => document.querySelectorAll('.editions-table tbody tr').length === 3"
STALE = "isStale => document.querySelector('.overall').hasAttribute('data-stale') === isStale"
WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_status_page_is_live_and_says_when_it_is_not(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    status = open_page(f"{harness.address}/status?lang=ar")
    status.until(EDITIONS, "three editions")
    status.until(SHOWS, "no reader", "0")
    # Not a second tab: it would hide the first one, which then asks for nothing.
    with httpx.stream("GET", f"{harness.address}/v1/en/events", trust_env=False):
        status.until(SHOWS, "one reader", "1")
    for width in (320, 1280):
        status.resize(width, 900)
        assert not status.evaluate(WIDE), width
    harness.stop()
    status.until(STALE, "the figures are old", True)
    harness.start()
    status.until(STALE, "live again", False)
