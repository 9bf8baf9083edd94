"""In every engine: layouts of three languages fit phones and desktops."""

from __future__ import annotations

from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import TEXTS, post_sample_lines
from tests.support.engine_pages import put_page, reports, until_live

LAYOUTS = ("list", "strip", "crawl")
WIDTHS = (320, 360, 1440)
HEIGHT = 4000
HEAD = '<meta name="color-scheme" content="light dark">'
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
"""What is outside of its ticker or cut off."""


def test_nothing_is_wider_than_its_ticker(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    post_sample_lines(harness)
    tickers = [f'edition="{edition}" layout="{layout}"' for layout in LAYOUTS for edition in TEXTS]
    tab = open_page(put_page(host, harness.address, *tickers, head=HEAD))
    tab.resize(WIDTHS[0], HEIGHT)  # only elements in the viewport connect
    until_live(tab, len(tickers))
    for width in WIDTHS:
        tab.resize(width, HEIGHT)
        # Two frames: the element renders with the next one after a change of its size.
        tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert tab.evaluate("() => innerWidth") == width
        assert tab.evaluate(OUTSIDE) == [], f"at {width} px"
    assert reports(tab) == []


def test_check_of_the_layouts_sees_a_ticker_that_is_too_wide(
    open_page: Open, harness: BrowserHarness, host: Host
) -> None:
    """The test above relies on it."""
    harness.post("en", "One")
    tab = open_page(put_page(host, harness.address, 'edition="en" style="display: block; width: 2000px"'))
    until_live(tab)
    assert tab.evaluate(OUTSIDE) == ["the page is 2008 px wide"]
