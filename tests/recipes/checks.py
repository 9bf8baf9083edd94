"""Check what every recipe promises."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.support.browser_harness import BrowserHarness
from tests.support.browser_pages import expect_live, until

ELEMENT = "document.querySelector('breaking-ticker')"


def expect_height(ticker: Locator, pixels: int) -> None:
    """Check the height that the page gives the element. Without scripts, it shows that the room is there before it."""
    expect(ticker).to_have_css("height", f"{pixels}px")


def expect_recipe(page: Page, harness: BrowserHarness, layout: str = "strip") -> None:
    """Check the attributes, the words, the event, pausing by a button of the page, and that the connection closes."""
    expect_live(page)
    assert page.evaluate(f"[{ELEMENT}.layout, {ELEMENT}.edition, {ELEMENT}.paused]") == [layout, "en", False]
    expect(page.get_by_role("button", name="Hold", exact=True)).to_be_visible()
    harness.post("en", "The first line")
    expect(page.get_by_text("Latest: The first line")).to_be_visible()
    shown = page.locator("[part~=line]:visible [part=text]").first
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate(f"{ELEMENT}.paused")
    harness.post("en", "While it is paused")
    expect(page.get_by_text("Latest: While it is paused")).to_be_visible()
    expect(shown).to_have_text("The first line")
    page.locator("body > button, body > div > button").click()
    expect(shown).to_have_text("While it is paused")
    # The reader pauses with the element's own button, and resumes with the one of the page, which has followed.
    page.get_by_role("button", name="Hold", exact=True).click()
    assert page.evaluate(f"{ELEMENT}.paused")
    page.locator("body > button, body > div > button").filter(has_text=re.compile("resume", re.IGNORECASE)).click()
    assert not page.evaluate(f"{ELEMENT}.paused")
    # Frameworks remove their app, and so the element; other pages remove the element.
    page.evaluate(f"window.unmount ? window.unmount() : {ELEMENT}.remove()")
    expect(page.locator("breaking-ticker")).to_have_count(0)
    until(page, lambda: harness.followers("en") == 0, "the connection is closed")
