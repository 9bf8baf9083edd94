"""The status page in a browser: its three languages, its token, and that nothing moves while figures change."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.axe import COLOUR_RULES, violations
from tests.support.browser_harness import BrowserHarness
from tests.support.browser_reader import Readers
from tests.support.status_samples import BROKEN, FINE, NOW, Sample
from ticker.web.status import LANGUAGES, page_words

TOKEN: Final = "a token that nobody guesses"
ALIGNS: Final = """() => [...new Set([...document.querySelectorAll("td.number")]
  .map(each => getComputedStyle(each).textAlign))]"""
TOO_WIDE: Final = """() => [...document.querySelectorAll("th, td:not(.state), .note")].filter(each => {
  const range = document.createRange(), style = getComputedStyle(each), box = each.getBoundingClientRect();
  range.selectNodeContents(each);
  const text = range.getBoundingClientRect();
  return text.left < box.left + parseFloat(style.paddingLeft) - 1
    || text.right > box.right - parseFloat(style.paddingRight) + 1;
}).map(each => each.textContent)"""
"""The texts that are wider than their cells, without the padding."""
BOXES: Final = """() => [...document.querySelectorAll("main h2, main h3, .tile, .chart, tr, td, th")]
  .map(each => { const { x, y, width, height } = each.getBoundingClientRect(); return [x, y, width, height]; })"""


def serve(page: Page, sample: Callable[[], Sample]) -> None:
    """Answer the page's requests with a sample."""

    def answer(route: Route) -> None:
        route.fulfill(body=msgspec.json.encode(sample().status()), content_type="application/json")

    page.route("**/status.json", answer)


def open_status(page: Page, harness: BrowserHarness, language: str) -> None:
    page.goto(f"{harness.address}/status?lang={language}")
    expect(page.locator(".editions-table tbody tr")).to_have_count(3)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_shows_every_state_in_its_language_without_a_violation_of_axe(
    reader: Readers, harness: BrowserHarness, language: str
) -> None:
    shown = [FINE]
    page = reader(viewport={"width": 320, "height": 900}, locale="en-GB").context.new_page()
    serve(page, lambda: shown[0])
    open_status(page, harness, language)
    words = page_words()[language]
    expect(page.locator("#overall")).to_have_text(words["level_ok"])
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    grouped = "14.982" if language == "es" else "14,982"
    expect(page.locator("#readers .figure")).to_have_text(grouped)
    shown[0] = BROKEN
    expect(page.locator("#overall")).to_have_text(words["level_down"])
    body = page.locator("main").inner_text()
    for cause in ("redis-away", "desk-silent", "gateways-behind", "log-damaged", "part-silent"):
        assert words[cause].split("{", maxsplit=1)[0] in body, cause
    assert "{" not in body
    page.set_viewport_size({"width": 768, "height": 900})  # the narrowest page with tables
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(ALIGNS) == ["right"], "the digits of a column stand below each other"
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert violations(page) == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, COLOUR_RULES) == []
        page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_moves_while_figures_change(reader: Readers, harness: BrowserHarness, width: int) -> None:
    page = reader(viewport={"width": width, "height": 900}).context.new_page()
    shown = [FINE]
    serve(page, lambda: shown[0])
    open_status(page, harness, "en")
    before = page.evaluate(BOXES)
    shown[0] = FINE.later(5, readers=9)
    expect(page.locator("#readers .figure")).to_have_text("9")
    assert page.evaluate(BOXES) == before


def test_states_differ_by_shape_and_words_and_not_only_by_colour(reader: Readers, harness: BrowserHarness) -> None:
    page = reader().context.new_page()
    serve(page, lambda: BROKEN)
    open_status(page, harness, "en")
    rows = page.locator("tbody tr").all()
    found = {
        (row.get_attribute("data-level"), row.locator("use").get_attribute("href"), row.locator(".state").inner_text())
        for row in rows
    }
    assert all(shape == f"#{level}" for level, shape, _ in found)
    assert len({level for level, _, _ in found}) >= 3
    by_words: dict[str, set[str | None]] = {}
    for level, _, words in found:
        by_words.setdefault(words, set()).add(level)
    assert all(len(levels) == 1 for levels in by_words.values())


def test_page_that_lost_its_gateway_says_that_its_figures_are_old(reader: Readers, harness: BrowserHarness) -> None:
    page = reader().context.new_page()
    page.goto(f"{harness.address}/status?lang=en")
    expect(page.locator(".editions-table tbody tr")).to_have_count(3)
    before = page.locator("#updated").inner_text()
    harness.stop()
    expect(page.locator("#overall")).to_have_text(page_words()["en"]["stale"])
    assert page.locator(".overall").get_attribute("data-level") == "unknown"
    assert page.locator("#updated").inner_text() >= before
    harness.start()
    expect(page.locator("#connection")).to_contain_text(page_words()["en"]["connected"])


def test_token_is_asked_for_kept_for_the_tab_and_never_in_an_address(reader: Readers) -> None:
    with BrowserHarness(status_token=TOKEN) as harness:
        visitor = reader()
        page = visitor.open(f"{harness.address}/status?lang=en")
        expect(page.locator("#door")).to_be_visible()
        expect(page.locator("#content")).to_be_hidden()
        assert violations(page) == []
        page.keyboard.press("Tab")
        page.locator("#token").focus()
        page.keyboard.type("something else that is long")
        page.keyboard.press("Enter")
        expect(page.locator("#message")).to_have_text(page_words()["en"]["status-token-invalid"])
        page.locator("#token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_visible()
        page.reload()
        expect(page.locator("#content")).to_be_visible()
        page.locator("#forget").click()
        expect(page.locator("#door")).to_be_visible()
        another = visitor.open(f"{harness.address}/status?lang=en")
        expect(another.locator("#door")).to_be_visible()
    assert [url for url in visitor.requests if re.search("nobody|something", url)] == []


def test_sample_times_are_those_of_the_status() -> None:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(FINE.status()))
    assert found["at"] == datetime.fromtimestamp(NOW / 1000, UTC).isoformat().replace("+00:00", "Z")
