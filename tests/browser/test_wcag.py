"""Criteria of WCAG 2.2 that need a scenario: text spacing, the focus, and the contrast of controls."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import expect_live, host_page
from tests.support.browser_reader import Readers
from ticker import widget

LAYOUTS: Final = ("list", "strip", "crawl")
LONG: Final = "Weather office: Storm Odile reaches the coast of Valmora, ferries and trains stop until Thursday noon"

# A reader's own style sheet, in a shadow tree as in the document. The values are those of criterion 1.4.12.
SPACING: Final = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
    p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets.push(sheet);
  for (const each of document.querySelectorAll("breaking-ticker")) each.shadowRoot.adoptedStyleSheets.push(sheet);
}"""

# The leading above the first row and below the last one may be cut off, because no letter is there.
CUT_OFF: Final = """() => [...document.querySelectorAll("breaking-ticker")].flatMap(ticker =>
  [...ticker.shadowRoot.querySelectorAll("[part~=title], [part=count], button")]
    .filter(each => each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 4)
    .map(each => [ticker.layout, each.getAttribute("part"), each.textContent]))"""

# The element with the focus: its part or text, whether its outline shows, and whether anything lies upon its middle.
FOCUSED: Final = """() => {
  let each = document.activeElement;
  while (each.shadowRoot?.activeElement) each = each.shadowRoot.activeElement;
  const { left, top, width, height } = each.getBoundingClientRect(), style = getComputedStyle(each);
  const [x, y] = [left + Math.min(width, 40) / 2, top + height / 2];
  const above = each.getRootNode().elementFromPoint(x, y);
  return [each.getAttribute("part") ?? each.textContent, style.outlineStyle !== "none" && style.outlineWidth !== "0px",
    each.contains(above) || above?.contains(each)];
}"""

# The lowest contrast with the background: of the outline of the focus, and of the buttons' words and icons.
CONTRASTS: Final = """() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (...colors) => {
    for (const color of colors) { context.fillStyle = color; context.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(each => each / 255)
      .map(each => each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  return Math.min(...[...document.querySelectorAll("breaking-ticker")].flatMap(ticker => {
    const ground = getComputedStyle(ticker.shadowRoot.querySelector("[part=ticker]")).backgroundColor;
    const contrast = color => {
      const [low, high] = [luminance(ground), luminance(ground, color)].sort((one, other) => one - other);
      return (high + .05) / (low + .05);
    };
    const buttons = [...ticker.shadowRoot.querySelectorAll("button:not([hidden])")];
    const pause = buttons.at(-1);
    pause.focus({ focusVisible: true });
    const colors = buttons.map(each => getComputedStyle(each).color);
    return [getComputedStyle(pause).outlineColor, ...colors].map(contrast);
  }));
}"""


def open_layouts(page: Page, harness: BrowserHarness, host: Host, **parts: str) -> None:
    tickers = [f'edition="en" layout="{layout}"' for layout in LAYOUTS]
    page.goto(host.put("/", host_page(harness.address, *tickers, **parts)))
    expect_live(page, len(LAYOUTS))
    expect(page.locator("breaking-ticker [part~=line]").first).to_be_attached()


@pytest.mark.parametrize("width", [320, 1280])
def test_text_spacing_of_the_reader_cuts_nothing_off(
    reader: Readers, harness: BrowserHarness, host: Host, width: int
) -> None:
    """WCAG 1.4.12. Lines that don't fit into the height can be scrolled."""
    harness.post_all("en", [LONG, LONG + " again"])
    page = reader(viewport={"width": width, "height": 2000}).context.new_page()
    open_layouts(page, harness, host)
    page.evaluate(SPACING)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CUT_OFF) == []
    for view in page.locator("breaking-ticker:not([layout=crawl]) [part=view]").all():
        assert view.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert view.evaluate("each => getComputedStyle(each).overflowY") == "auto"


def test_text_spacing_of_the_reader_divides_no_word_of_a_label(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    editions = ("en", "ar", "es")
    for edition in editions:
        harness.post_all(edition, [LONG] * 10)
    page = reader(viewport={"width": 320, "height": 900}).context.new_page()
    page.goto(host.put("/", host_page(harness.address, *(f'edition="{each}" layout="strip"' for each in editions))))
    expect_live(page, len(editions))
    expect(page.locator("[part~=line]:visible")).to_have_count(len(editions))
    page.evaluate(SPACING)
    for label in page.locator("[part~=label]").all():
        words = label.evaluate("""each => [...each.textContent.matchAll(/\\S+/g)].map(({ index, 0: word }) => {
          const range = document.createRange();
          range.setStart(each.firstChild, index);
          range.setEnd(each.firstChild, index + word.length);
          return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
        })""")
        assert set(words) == {1}
        assert label.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_focus_is_visible_is_never_covered_and_leaves_the_element(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    """WCAG 2.1.1, 2.1.2, 2.4.3, 2.4.7 and 2.4.11: Tab alone leads through all controls and links, and out again."""
    harness.post_all("en", ["One", "Two"])
    harness.post("en", "Three", url="https://news.example/3")
    page = reader(viewport={"width": 900, "height": 400}).context.new_page()
    open_layouts(page, harness, host, before="<a href=/before>Before</a>", after="<a href=/after>After</a>")
    page.keyboard.press("Tab")
    stops: list[tuple[str, bool, bool]] = []
    while not stops or stops[-1][0] != "After":
        stops.append(page.evaluate(FOCUSED))
        assert len(stops) < 40, stops
        page.keyboard.press("Tab")
    assert [name for name, is_visible, _ in stops if not is_visible] == []
    assert [name for name, _, is_uncovered in stops if not is_uncovered] == []
    names = [name for name, *_ in stops]
    assert names[0] == "Before"
    assert [names.count(part) for part in ("pause", "previous", "next")] == [3, 1, 1]
    assert names.count("link") >= len(LAYOUTS)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED)[0] == names[-2], "the keyboard leads back, too"


def test_focus_ring_and_controls_contrast_with_the_background_in_every_theme(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    """WCAG 1.4.11. axe checks the contrast of texts only."""
    harness.post_all("en", ["One", "Two"])
    page = reader(viewport={"width": 900, "height": 2000}).context.new_page()
    head = (
        f'<link rel="stylesheet" href="{harness.address}/widget/themes.css">'
        '<meta name="color-scheme" content="light dark">'
    )
    open_layouts(page, harness, host, head=head)
    for theme in (None, *widget.THEMES):
        page.evaluate("theme => theme && (document.body.dataset.tickerTheme = theme)", theme)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(CONTRASTS) >= 3, (theme, scheme)


def test_pages_of_the_server_need_no_sideways_scrolling_at_320_pixels(reader: Readers, harness: BrowserHarness) -> None:
    """WCAG 1.4.10, and 1.4.4: 320 px are 1280 px at a zoom of 400 %."""
    post_sample_lines(harness)
    page = reader(viewport={"width": 320, "height": 640}, bypass_csp=True).context.new_page()
    for path in ("/", "/en", "/ar?wall=1", "/es/embed?layout=strip", "/demo/article", "/xx"):
        page.goto(harness.address + path)
        expect(page.locator("h1, breaking-ticker").first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        page.evaluate(SPACING)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
