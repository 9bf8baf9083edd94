"""In every engine: layouts of three languages fit phones and desktops."""

from __future__ import annotations

import msgspec
import pytest

from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import TEXTS, post_sample_lines
from tests.support.engine_pages import LINES, put_page, reports, until_live
from ticker.core.edition import DEFAULT_EDITIONS

LAYOUTS = ("list", "strip", "crawl")
WIDTHS = (320, 360, 1440)
HEIGHT = 4000
HEAD = '<meta name="color-scheme" content="light dark">'
NO_MARGIN = "<style>body { margin: 0 }</style>"
OUTSIDE = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth)
    found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const ticker of document.querySelectorAll("breaking-ticker")) {
    const name = `${ticker.getAttribute("edition")} ${ticker.getAttribute("layout")}`;
    const own = ticker.getBoundingClientRect();
    for (const each of ticker.shadowRoot.querySelectorAll("[part]")) {
      if (!each.checkVisibility({ visibilityProperty: true })) continue;
      if (ticker.getAttribute("layout") === "crawl" && each.closest("ol")) continue;  // its lines move through
      const { left, right, width } = each.getBoundingClientRect();
      if (width > 1 && (left < own.left - 0.5 || right > own.right + 0.5))
        found.push(`${name}: ${each.getAttribute("part")} from ${left} to ${right} in ${own.left} to ${own.right}`);
      if (each.matches("[part~=text], [part=title], button") && each.scrollWidth > each.clientWidth + 1 &&
          getComputedStyle(each).display !== "inline")
        found.push(`${name}: ${each.getAttribute("part")} is cut off: ${each.textContent}`);
    }
  }
  return found;
}"""
"""Returns the parts that are outside of their ticker or cut off."""
DIVIDED = """() => {
  const found = [];
  for (const ticker of document.querySelectorAll("breaking-ticker"))
    for (const node of ticker.shadowRoot.querySelectorAll("[part=test], [part~=label], [part=status], [part=age]")) {
      if (!node.checkVisibility({ visibilityProperty: true }) || !node.firstChild) continue;
      const isWhole = node.matches("[part=test], [part~=label]");
      for (const match of node.textContent.matchAll(isWhole ? /.+/g : /\\S+/g)) {
        const range = document.createRange();
        range.setStart(node.firstChild, match.index);
        range.setEnd(node.firstChild, match.index + match[0].length);
        const tops = new Set([...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.top)));
        const name = `${ticker.getAttribute("edition")} ${ticker.getAttribute("layout")}`;
        if (tops.size > 1) found.push(`${name}: ${match[0]}`);
      }
    }
  return found;
}"""
"""The labels on several rows, and the words of a status or an age that are divided between rows."""
STRIPS = """() => [...document.querySelectorAll("[layout=strip]")].map(({ shadowRoot }) => {
  const [view, text, age] = ["view", "text", "age"].map(part =>
    [...shadowRoot.querySelectorAll(`[part=${part}]`)].find(each => each.checkVisibility()));
  const [around, words, time] = [view, text, age].map(each => each.getBoundingClientRect());
  return {
    scrollbar: view.offsetWidth - view.clientWidth,
    rows: Math.round(words.height / parseFloat(getComputedStyle(text).lineHeight)),
    isLonger: text.scrollHeight > text.clientHeight + 1,
    isOverlapped: time.top < words.bottom - 1 && time.bottom > words.top + 1 &&
      time.left < words.right - 1 && time.right > words.left + 1,
    isInside: around.top - 1 <= words.top && time.bottom <= around.bottom + 1,
  };
})"""
PAUSE = "paused => document.querySelectorAll('breaking-ticker').forEach(each => (each.paused = paused))"
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_nothing_is_wider_than_its_ticker(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    post_sample_lines(harness)
    tickers = [f'edition="{edition}" layout="{layout}"' for layout in LAYOUTS for edition in TEXTS]
    tab = open_page(put_page(host, harness.address, *tickers, head=HEAD))
    tab.resize(WIDTHS[0], HEIGHT)  # only elements in the viewport connect
    until_live(tab, len(tickers))
    for width in WIDTHS:
        tab.resize(width, HEIGHT)
        # Two frames: the element renders with the next one after a change of its size.
        tab.evaluate(TWO_FRAMES)
        assert tab.evaluate("() => innerWidth") == width
        assert tab.evaluate(OUTSIDE) == [], f"at {width} px"
    assert reports(tab) == []


@pytest.mark.parametrize("is_test", [False, True], ids=["news", "test"])
def test_label_is_on_one_row_and_no_word_is_divided_on_a_phone(open_page: Open, host: Host, *, is_test: bool) -> None:
    editions = {name: msgspec.structs.replace(edition, test=is_test) for name, edition in DEFAULT_EDITIONS.items()}
    tickers = [f'edition="{edition}" layout="{layout}"' for layout in ("strip", "crawl") for edition in TEXTS]
    with BrowserHarness(editions) as harness:
        post_sample_lines(harness)
        tab = open_page(put_page(host, harness.address, *tickers, head=HEAD + NO_MARGIN))
        for paused in (False, True):
            for width in WIDTHS[:2]:
                tab.resize(width, HEIGHT)
                until_live(tab, len(tickers))
                tab.evaluate(PAUSE, paused)
                tab.evaluate(TWO_FRAMES)
                assert tab.evaluate(DIVIDED) == [], f"at {width} px"


def test_long_text_of_a_strip_has_two_rows_an_ellipsis_and_its_age_beside_or_below(
    open_page: Open, harness: BrowserHarness, host: Host
) -> None:
    for edition, texts in TEXTS.items():
        harness.post(edition, " ".join([str(texts["flash"])] * 8))
    tab = open_page(put_page(host, harness.address, *(f'edition="{edition}" layout="strip"' for edition in TEXTS)))
    tab.resize(WIDTHS[0], HEIGHT)
    until_live(tab, len(TEXTS))
    tab.until(f"count => ({LINES})().every(lines => lines.length === count)", "all lines", 1)
    for width in WIDTHS:
        tab.resize(width, HEIGHT)
        tab.evaluate(TWO_FRAMES)
        expected = {"scrollbar": 0, "rows": 2, "isLonger": True, "isOverlapped": False, "isInside": True}
        assert tab.evaluate(STRIPS) == [expected] * len(TEXTS), f"at {width} px"


def test_check_of_the_layouts_sees_a_ticker_that_is_too_wide(
    open_page: Open, harness: BrowserHarness, host: Host
) -> None:
    """The test above relies on it."""
    harness.post("en", "One")
    tab = open_page(put_page(host, harness.address, 'edition="en" style="display: block; width: 2000px"'))
    until_live(tab)
    assert tab.evaluate(OUTSIDE) == ["the page is 2008 px wide"]
