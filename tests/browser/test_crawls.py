"""The layout crawl: lines that move."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_layouts import LONG, open_tickers
from tests.support.browser_pages import ELEMENT, open_ticker, texts
from tests.support.browser_reader import Readers


@pytest.mark.parametrize(("edition", "way"), [("en", -1), ("ar", 1)])
def test_crawl_moves_in_reading_direction_and_stops_while_paused(
    page: Page, harness: BrowserHarness, host: Host, edition: str, way: int
) -> None:
    harness.post_all(edition, ["One line " * 6, "Two lines " * 6])
    open_ticker(page, harness, host, f'edition="{edition}" layout="crawl"')
    place = f"{ELEMENT}.shadowRoot.querySelector('ol').getBoundingClientRect().x"
    # By 20 pixels in this direction, added up frame by frame. A jump back, when the crawl starts again, resets the sum.
    moves = (
        f"() => {{ const moved = {way} * ({place} - (window.was ?? {place})); window.was = {place};"
        " window.run = moved < 0 ? 0 : (window.run ?? 0) + moved; return window.run > 20 }"
    )
    page.wait_for_function(moves)
    page.locator("[part~=pause]").click()
    page.mouse.move(0, 0)
    held = page.evaluate(place)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(place) == held
    page.locator("[part~=pause]").click()
    page.mouse.move(0, 0)
    page.evaluate("window.run = 0")
    page.wait_for_function(moves)


def test_new_line_in_a_crawl_follows_the_lines_in_sight(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host, 'edition="en" layout="crawl"')
    first = f"{ELEMENT}.shadowRoot.querySelector('li')"
    page.locator("[part=view]").hover()  # that holds the crawl
    before = page.evaluate(f"{first}.getBoundingClientRect().x")
    harness.post("en", "Breaking")
    expect(texts(page)).to_have_text(["Three", "Two", "One", "Breaking"])
    assert abs(page.evaluate(f"{first}.getBoundingClientRect().x") - before) < 1, "what is read stays where it is"


def test_crawl_becomes_a_strip_with_reduced_motion(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two"])
    page = reader(reduced_motion="reduce").context.new_page()
    open_ticker(page, harness, host, 'edition="en" layout="crawl"')
    expect(page.locator("[part~=line]:visible [part=text]")).to_have_text(["Two"])
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    assert page.evaluate(f"{ELEMENT}.shadowRoot.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(f"{ELEMENT}.shadowRoot.getAnimations().length === 1")


@pytest.mark.parametrize("edition", ["en", "ar"])
@pytest.mark.parametrize(
    "texts", [["One line"], ["One", "Two", "Three"], [LONG["en"] * 4], [LONG["en"], "Two", LONG["en"] * 2]]
)
def test_crawl_begins_with_text_in_sight_and_never_runs_empty(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str, texts: list[str]
) -> None:
    harness.post_all(edition, texts)
    page = open_tickers(reader, harness, host, 1000, f'edition="{edition}" layout="crawl"')
    measure = f"""() => {{
      const root = {ELEMENT}.shadowRoot, view = root.querySelector("[part=view]").getBoundingClientRect();
      return Math.max(...[...root.querySelectorAll("[part=text]")].map(each => {{
        const box = each.getBoundingClientRect();
        return Math.min(box.right, view.right) - Math.max(box.left, view.left);
      }}));
    }}"""
    assert page.evaluate(measure) > 20, "it begins with text in sight"
    for _ in range(3 * len(texts)):  # each time, jump to just before a line has passed, and to just after it
        for jump in (-30, 0):
            page.evaluate(
                f"""(jump) => new Promise(done => {{
              const [motion] = {ELEMENT}.shadowRoot.getAnimations();
              if (motion) motion.currentTime = motion.effect.getComputedTiming().endTime + jump;
              requestAnimationFrame(() => requestAnimationFrame(done));
            }})""",
                jump,
            )
            assert page.evaluate(measure) > 5


def test_crawl_separates_its_lines(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two"])
    page = open_tickers(reader, harness, host, 1000, 'edition="en" layout="crawl"')
    widths = page.locator("[part~=line]").evaluate_all(
        "all => all.map(each => getComputedStyle(each, '::after').borderTopWidth)"
    )
    assert all(float(width.removesuffix("px")) > 1 for width in widths)


def test_single_line_that_fits_stands_still(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    page = open_tickers(reader, harness, host, 1000, 'edition="en" layout="crawl"')
    assert page.evaluate(f"{ELEMENT}.shadowRoot.getAnimations().length") == 0
