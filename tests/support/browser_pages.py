"""Pages with tickers, and waiting for what a reader sees on them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from math import inf

from playwright.sync_api import Locator, Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.waiting import pause_s

WAIT_S = 60.0
ELEMENT = "document.querySelector('breaking-ticker')"
"""The first ticker of a page, in JavaScript."""
HURRY = """(() => {
  const real = setTimeout;
  window.setTimeout = (act, delay = 0) => real(act, delay / 20);
})()"""
"""Shorten all timers of a page to a twentieth, so that a test needn't wait for them."""


def until(page: Page, condition: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Wait until `condition` is true while Playwright handles the page's events. `what` describes it if it never is."""
    began = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - began
        assert waited_s < within_s, f"not within {within_s:g} s: {what}"
        page.wait_for_timeout(1000 * pause_s(waited_s))


def until_with_clock(
    page: Page, condition: Callable[[], bool], what: str, step_ms: int = 3000, most_ms: float = inf
) -> None:
    """Wait like `until`, and advance the page's own clock by `step_ms` before each check, at most by `most_ms`."""
    passed_ms = 0

    def passes() -> bool:
        nonlocal passed_ms
        if passed_ms < most_ms:
            page.clock.run_for(step_ms)
            passed_ms += step_ms
        return condition()

    until(page, passes, what)


def host_page(server: str, *tickers: str, head: str = "", before: str = "", after: str = "") -> str:
    """Return a page of another site with one ticker for each text of attributes."""
    elements = "".join(f"<breaking-ticker {each}></breaking-ticker>" for each in tickers)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">{head}'
        f'<script type="module" src="{server}/widget/ticker.js"></script></head>'
        f"<body>{before}{elements}{after}</body></html>"
    )


def expect_live(page: Page, count: int = 1) -> None:
    expect(page.locator("[part=ticker][data-state=live]")).to_have_count(count)


def open_ticker(
    page: Page, harness: BrowserHarness, host: Host, attributes: str = 'edition="en"', **parts: str
) -> None:
    """Open a page of another site with one ticker, and wait until it is connected."""
    page.goto(host.put("/", host_page(harness.address, attributes, **parts)))
    expect_live(page)


def texts(page: Page) -> Locator:
    """Return the text of each line, without its age."""
    return page.locator("breaking-ticker [part~=line] [part=text]")


def expect_lines(page: Page, *lines: str) -> None:
    """Wait until exactly these lines are shown, from the top."""
    expect(texts(page)).to_have_text(list(lines))


def state(page: Page) -> str:
    found: str = page.evaluate("document.querySelector('breaking-ticker').state")
    return found


def expect_state(page: Page, state: str) -> None:
    expect(page.locator(f"[part=ticker][data-state={state}]")).to_have_count(1)


def watch_announcements(page: Page) -> None:
    """Record from now on what the tickers of a page announce: `announced` returns it."""
    page.evaluate("""() => {
      window.announced = [];
      document.querySelectorAll("breaking-ticker").forEach((ticker, number) => {
        const region = ticker.shadowRoot.querySelector(".announcer");
        const note = () => region.textContent && announced.push([number, region.textContent]);
        new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
      });
    }""")


def announced(page: Page) -> list[tuple[int, str]]:
    """Return every announcement since `watch_announcements`, also those that are gone: the ticker's number, the text.

    The element announces a line two seconds after it came, so a test has to advance the page's clock before.
    """
    return [(number, text) for number, text in page.evaluate("announced")]


def held(page: Page) -> list[str]:
    """Return the locks of the ticker that pages of this origin hold: "lead" for each link, "slot" for each slot."""
    found: list[str] = page.evaluate(
        "navigator.locks.query().then(({ held }) => held.map(({ name }) => / /.test(name) ? 'lead' : 'slot').sort())"
    )
    return found


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""
"""Hide the tab (true) or show it (false), as the page sees it."""

RECORD = """(() => {
  window.seen = [], window.states = [], window.connections = [];
  addEventListener("ticker:line", ({ detail }) => seen.push({ text: detail.line.text, live: detail.live }));
  addEventListener("ticker:state", ({ detail }) => states.push(detail.state));
  for (const kind of ["WebSocket", "EventSource"])
    window[kind] = class extends window[kind] {
      constructor(...given) { super(...given); connections.push(this.url); }
    };
})()"""


def record(page: Page, *, now: bool = False) -> None:
    """Record every `ticker:line`, `ticker:state` and connection of a page."""
    if now:
        page.evaluate(RECORD)
    else:
        page.add_init_script(RECORD)


def recorded(page: Page) -> list[str]:
    found: list[str] = json.loads(page.evaluate("JSON.stringify(window.seen.map(each => each.text))"))
    return found
