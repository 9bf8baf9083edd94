"""Pausing: by the reader, and by the page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import ELEMENT, expect_lines, expect_live, host_page, open_ticker, until
from ticker.core.line import Change, Status


def test_withdrawn_and_hidden_lines_disappear_while_paused(page: Page, harness: BrowserHarness, host: Host) -> None:
    lines = harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host)
    page.get_by_role("button", name="Pause").click()
    harness.withdraw("en", lines[1], "wrong")
    expect_lines(page, "Three", "Withdrawn wrong", "One")
    harness.change("en", lines[2].without_text(Status.WITHHELD), Change.HIDE)
    expect_lines(page, "Withdrawn wrong", "One")


def test_paused_element_that_returns_to_the_page_shows_no_line_that_was_withdrawn_meanwhile(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    lines = harness.post_all("en", ["One", "Two"])
    page.goto(host.put("/", host_page(harness.address, 'edition="en"', 'edition="en" paused')))
    expect_live(page, 2)
    first, second = page.locator("breaking-ticker").all()
    expect(second.locator("[part=text]")).to_have_text(["Two", "One"])
    handle = second.element_handle()
    handle.evaluate("element => element.remove()")
    harness.withdraw("en", lines[0], "wrong")
    harness.forget("en", lines[1])
    shown = ["With this line, another one is forgotten", "Withdrawn wrong"]
    expect(first.locator("[part=text]")).to_have_text(shown)
    handle.evaluate("element => document.body.append(element)")
    expect(second.locator("[part=text]")).to_have_text(shown)


def test_pause_keeps_the_lines_and_counts_new_ones_across_a_reconnect(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    harness.post("en", "One")
    open_ticker(page, harness, host)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Paused")
    harness.post_all("en", ["Two", "Three", "Four"])
    expect(page.get_by_role("button", name="New: 3")).to_be_visible()
    expect_lines(page, "One")
    harness.stop()
    harness.start()  # the pause continues with the next connection
    expect_live(page)
    harness.post("en", "Five")
    expect(page.get_by_role("button", name="New: 4")).to_be_visible()
    expect_lines(page, "One")
    page.get_by_role("button", name="New: 4").click()
    expect_lines(page, "Five", "Four", "Three", "Two", "One")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("status")).to_be_empty()


def test_page_can_pause_resume_and_read_state_and_position(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    open_ticker(page, harness, host)
    page.evaluate(f"{ELEMENT}.pause()")
    assert page.evaluate(f"[{ELEMENT}.paused, {ELEMENT}.hasAttribute('paused')]") == [True, True]
    harness.post("en", "Two")
    until(page, lambda: page.evaluate(f"{ELEMENT}.position") == str(harness.position("en")), "the position goes on")
    expect_lines(page, "One")
    page.evaluate(f"{ELEMENT}.resume()")
    expect_lines(page, "Two", "One")
    assert page.evaluate(f"{ELEMENT}.state") == "live"
