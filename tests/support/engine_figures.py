"""Measure how fast each engine shows lines: `.venv/bin/python -m tests.support.engine_figures`.

It prints a row per engine: the version; the time from the request of a page until its ticker is live; and the median
and the maximum time from the append of a line to the log until the page gets its event.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Final

import click

from scripts.engines import ENGINES
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.engine_browser import EngineBrowser
from tests.support.engine_pages import put_page, until_live
from tests.support.engines import start_browser

LINES: Final = 50
RECORD: Final = """() => {
  window.arrived = {};
  addEventListener("ticker:line", ({ detail }) => {
    arrived[detail.line.text] = performance.timeOrigin + performance.now();
  });
}"""


def measure(browser: EngineBrowser, harness: BrowserHarness, host: Host) -> tuple[float, list[float]]:
    """Return the time until a page is live, and the delay of each line, in milliseconds."""
    address = put_page(host, harness.address, 'edition="en"')
    tab = browser.open(address)
    until_live(tab)
    started = time.monotonic()
    tab.goto(address)
    until_live(tab)
    live_ms = 1000 * (time.monotonic() - started)
    tab.evaluate(RECORD)
    sent = {}
    for number in range(LINES):
        text = f"{browser.engine.title} {number}"
        sent[text] = 1000 * time.time()
        harness.post("en", text)
        tab.until("text => text in arrived", "the line", text)
    arrived = tab.evaluate("() => arrived")
    return live_ms, [arrived[text] - at for text, at in sent.items()]


def main() -> None:
    click.echo("| engine | live after | median delay of a line | maximum |")
    click.echo("| --- | --- | --- | --- |")
    for engine in ENGINES:
        with BrowserHarness() as harness, Host() as host, start_browser(engine) as browser:
            live_ms, delays_ms = measure(browser, harness, host)
            click.echo(
                f"| {engine.title} {browser.version} | {live_ms:.0f} ms | {median(delays_ms):.0f} ms | "
                f"{max(delays_ms):.0f} ms |"
            )


if __name__ == "__main__":
    main()
