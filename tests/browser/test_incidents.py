"""Two incidents of other news tickers that concern what a reader sees. The others are in `tests/incidents`.

A test first shows that the element is safe, and then that it wouldn't be without one of its conditions.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from scripts.build_widget import WIDGET, build_element
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_live, expect_state, host_page, texts
from tests.support.browser_reader import Readers
from ticker.core.line import Direction

LONG_AGO = datetime(2002, 12, 10, 9, 30, tzinfo=UTC)
RECORD_ANNOUNCEMENTS = """() => {
  const region = document.querySelector("breaking-ticker").shadowRoot.querySelector("[aria-live=polite]");
  window.announced = "";
  new MutationObserver(() => (announced += region.textContent)).observe(region, { childList: true });
}"""
ARABIC = "CNN Plaza: غارة وسط المدينة، والحصيلة 3 قتلى"


@pytest.fixture
def page(reader: Readers) -> Page:
    return reader(locale="en-GB", timezone_id="UTC").context.new_page()


def test_united_2008_old_story_shows_its_year(page: Page, harness: BrowserHarness, host: Host, tmp_path: Path) -> None:
    """A story of 2002 was republished without a date. The airline lost three quarters of its value in minutes."""
    harness.post("en", "Airline files for bankruptcy", created_at=LONG_AGO, updated_at=LONG_AGO)
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    age = page.locator("breaking-ticker [part~=line] [part=age]")
    expect(age).to_contain_text("2002")
    page.goto(f"{harness.address}/en/embed")
    expect(page.locator("time").first).to_contain_text("2002")

    # With a date without a year, nothing shows that the story is old.
    serve_altered(page, tmp_path, "list.js", 'dateStyle: "medium"', 'month: "short", day: "numeric"')
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    expect(age).to_contain_text("Dec")
    expect(age).not_to_contain_text("2002")
    page.unroute("**/widget/ticker.js")

    # A line of today shows its age and no year: the year above is there because the story is old.
    harness.post("en", "Airline opens a route")
    page.goto(host.put("/", host_page(harness.address, 'edition="en" lines="1"')))
    expect_live(page)
    expect(age).to_have_count(1)
    expect(age).not_to_contain_text(str(datetime.now(UTC).year))


def test_united_2008_replayed_line_is_not_announced_as_news(
    page: Page, harness: BrowserHarness, host: Host, tmp_path: Path
) -> None:
    page.clock.install()
    assert "bankruptcy" not in announced_after_reconnecting(page, harness, host)

    # If the element didn't check that a line is live, it would announce it to readers who can't see its date.
    serve_altered(page, tmp_path, "element.js", 'const live = this.state === "live";', "const live = true;")
    assert "bankruptcy" in announced_after_reconnecting(page, harness, host)


def announced_after_reconnecting(page: Page, harness: BrowserHarness, host: Host) -> str:
    """Publish an old story while the reader is disconnected. Return all announcements after the reconnect."""
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    page.evaluate(RECORD_ANNOUNCEMENTS)
    harness.stop()
    expect_state(page, "waiting")
    harness.post("en", "Airline files for bankruptcy", created_at=LONG_AGO, updated_at=LONG_AGO)
    harness.start()
    page.clock.fast_forward(31_000)
    expect_live(page)
    harness.post("en", "Airline opens a route")
    expect(texts(page).first).to_have_text("Airline opens a route")
    page.clock.run_for(3_000)
    page.wait_for_function("announced.includes('Airline opens a route')")
    announced: str = page.evaluate("announced")
    return announced


def serve_altered(page: Page, folder: Path, name: str, code: str, replacement: str) -> None:
    """Let the page load an element that is built from altered sources."""
    shutil.copytree(WIDGET / "src", folder / "src")
    source = folder / "src" / name
    text = source.read_text(encoding="utf-8")
    assert text.count(code) == 1
    source.write_text(text.replace(code, replacement), encoding="utf-8")
    module = build_element(folder, "ticker")
    page.route("**/widget/ticker.js", lambda route: route.fulfill(path=module, content_type="text/javascript"))


def test_arabic_line_that_begins_with_a_latin_name_runs_from_right_to_left(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    """Such lines were shown from left to right, because the direction was taken from the first letter."""
    harness.post("ar", ARABIC)
    page.goto(host.put("/", host_page(harness.address, 'edition="ar"', after=f'<p id="naive" dir="auto">{ARABIC}</p>')))
    expect_live(page)
    direction = "element => getComputedStyle(element).direction"
    assert page.locator("breaking-ticker [part~=line] [part=text]").evaluate(direction) == Direction.RTL
    assert page.locator("#naive").evaluate(direction) == Direction.LTR  # the direction that a browser chooses
