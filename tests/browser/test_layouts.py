"""The boxes of the layouts' parts, at four widths and in three languages, their links and their colours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_layouts import LONG, NO_MARGIN, open_tickers
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import ELEMENT, expect_live, host_page
from tests.support.browser_reader import Readers

EDITIONS = ("en", "ar", "es")

LAYOUTS = ("list", "strip", "crawl")

WIDTHS = (320, 360, 768, 1440)


# The boxes of the visible pieces of a ticker, by part. `start` and `end` are distances in reading direction.
BOXES = """ticker => {
  const root = ticker.shadowRoot, isRtl = root.querySelector("[part=ticker]").dir === "rtl";
  const found = {};
  for (const node of root.querySelectorAll("[part]")) {
    const box = node.getBoundingClientRect();
    if (!box.width || getComputedStyle(node).position === "fixed") continue;
    const [start, end] = isRtl ? [innerWidth - box.right, innerWidth - box.left] : [box.left, box.right];
    for (const part of node.part) found[part] ??= { start, end, top: box.top, bottom: box.bottom, height: box.height };
  }
  return found;
}"""


# For each text that matches, the number of rows that it is on.
ROWS = """(ticker, pattern) => {
  const rows = [];
  ticker.shadowRoot.querySelectorAll("li").forEach(each => (each.hidden = false)); // in a strip
  const walk = document.createTreeWalker(ticker.shadowRoot.querySelector("ol"), NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); )
    for (const match of node.data.matchAll(new RegExp(pattern, "gu"))) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const tops = [...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.top));
      if (tops.length) rows.push(new Set(tops).size);
    }
  return rows;
}"""


def resize(page: Page, width: int) -> None:
    """Give the page another width, and wait until the elements have rendered with it."""
    page.set_viewport_size({"width": width, "height": 8000})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def boxes(page: Page, number: int = 0) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = page.locator("breaking-ticker").nth(number).evaluate(BOXES)
    return found


def every_ticker() -> list[str]:
    return [f'edition="{edition}" layout="{layout}"' for layout in LAYOUTS for edition in EDITIONS]


def test_nothing_is_cut_off_or_overflows_sideways(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    post_sample_lines(harness)
    for edition in EDITIONS:
        harness.post(edition, LONG[edition], attribution="Weather office", urgency=1)
    page = open_tickers(reader, harness, host, WIDTHS[0], *every_ticker())
    for paused in (False, True):
        if paused:
            page.evaluate("document.querySelectorAll('breaking-ticker').forEach(each => each.pause())")
            for edition in EDITIONS:
                harness.post(edition, "More")
            expect(page.locator("[part=new]:visible")).to_have_count(len(LAYOUTS) * len(EDITIONS))
        for width in WIDTHS:
            resize(page, width)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            cut = page.evaluate("""() => [...document.querySelectorAll("breaking-ticker")].flatMap(ticker =>
              [...ticker.shadowRoot.querySelectorAll("[part~=title], [part=controls], button, section")]
                .filter(node => ticker.layout !== "crawl" || node.localName !== "section")
                .filter(node => node.scrollWidth > node.clientWidth + 1)
                .map(node => [ticker.outerHTML, node.part.value, node.textContent]))""")
            assert (width, cut) == (width, [])


def test_no_age_and_no_score_is_divided_between_rows(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    """The scores are at every place of a row."""
    for words in range(12):
        for score in ("2-1", "0–0"):
            harness.post("en", "goal " * words + score, created_at=datetime.now(UTC) - timedelta(minutes=20))
    tickers = [f'edition="en" layout="{layout}" lines="24"' for layout in LAYOUTS]
    page = open_tickers(reader, harness, host, WIDTHS[0], *tickers)
    for width in WIDTHS:
        resize(page, width)
        for ticker in page.locator("breaking-ticker").all():
            for pattern in (r"\d[-–]\d", ".*min.*"):
                rows = ticker.evaluate(ROWS, pattern)
                assert (width, len(rows), set(rows)) == (width, 24, {1})


def test_height_is_the_one_that_the_page_gives(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    """So a page reserves it with one rule, before and after the element is defined."""
    page = reader(viewport={"width": 320, "height": 900}).context.new_page()
    head = "<style>breaking-ticker { display: block; block-size: 7rem }</style>"
    tickers = [f'edition="en" layout="{layout}"' for layout in LAYOUTS]
    page.goto(host.put("/", host_page(harness.address, *tickers, head=head)))
    expect_live(page, len(LAYOUTS))
    for posted in (3, 6):
        for width in (320, 1440):
            resize(page, width)
            for number, layout in enumerate(LAYOUTS):
                found = boxes(page, number)
                assert found["ticker"]["height"] == 112
                assert found["view"]["bottom"] <= found["ticker"]["bottom"]
                if layout == "list":
                    assert found["view"]["bottom"] == found["ticker"]["bottom"]
        harness.post_all("en", [LONG["en"]] * 3)
        expect(page.locator("[part~=line]")).to_have_count(posted * len(LAYOUTS))


def test_embedded_page_and_wall_do_not_scroll(reader: Readers, harness: BrowserHarness) -> None:
    post_sample_lines(harness)
    page = reader().context.new_page()
    for path in ("/en/embed", "/ar/embed?layout=strip", "/es/embed?layout=crawl", "/en?wall=1", "/ar?wall=1"):
        page.goto(harness.address + path)
        expect(page.locator("[part=ticker][data-state=live]")).to_be_attached()
        for width, height in ((360, 640), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            assert (path, page.evaluate("document.documentElement.scrollHeight")) == (path, height)


@pytest.mark.parametrize("edition", ["en", "ar"])
def test_wall_shows_whole_lines_only_and_no_button(reader: Readers, harness: BrowserHarness, edition: str) -> None:
    for _ in range(3):
        post_sample_lines(harness)
    page = reader(viewport={"width": 1280, "height": 720}).open(f"{harness.address}/{edition}?wall=1&lines=30")
    expect(page.locator("[part=ticker][data-state=live]")).to_be_attached()
    expect(page.locator("breaking-ticker button:visible")).to_have_count(0)
    parts = page.evaluate(f"""() => {{
      const view = {ELEMENT}.shadowRoot.querySelector("[part=view]").getBoundingClientRect();
      return [...{ELEMENT}.shadowRoot.querySelectorAll("[part~=line]")].map(each => {{
        const box = each.getBoundingClientRect();
        const isInside = box.left >= view.left - 1 && box.right <= view.right + 1;
        return isInside ? [box.top < view.bottom, box.bottom <= view.bottom + 1] : [false, false];
      }});
    }}""")
    assert parts.count([True, True]) >= 3
    assert [True, False] not in parts


@pytest.mark.parametrize(
    ("attributes", "href"),
    [
        ('layout="strip"', "{server}/en"),
        ('layout="crawl" section="sports" urgency="3"', "{server}/en?section=sports&urgency=3"),
        ('layout="strip" href="/live?a=1"', "{page}/live?a=1"),
        ('layout="list" href="https://example.org/live"', "https://example.org/live"),
        ('layout="strip" href=""', None),
        ('layout="list"', None),
        ('layout="strip" href="javascript:alert(1)"', None),
    ],
)
def test_line_without_a_link_leads_to_the_fallback(
    reader: Readers, harness: BrowserHarness, host: Host, attributes: str, href: str | None
) -> None:
    harness.post("en", "Without", section="sports", urgency=1)
    harness.post("en", "With", section="sports", urgency=1, url="https://example.org/own")
    page = open_tickers(reader, harness, host, 1000, f'edition="en" {attributes}')
    links = page.locator("[part~=line]").evaluate_all("all => all.map(each => each.querySelector('a')?.href ?? null)")
    assert links == [
        "https://example.org/own",
        href and href.format(server=harness.address, page=host.address),
    ]
    harness.withdraw("en", harness.log["en"][0].entry.line, "wrong")
    expect(page.locator("[part~=withdrawn]")).to_have_count(2)
    expect(page.locator("[part~=withdrawn] a")).to_have_count(0)


def test_scrollbars_and_focus_rings_follow_the_theme(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", [LONG["en"]] * 10)
    head = (
        NO_MARGIN
        + """<style>breaking-ticker { --ticker-background: #003; --ticker-color: #fff;
      --ticker-muted: rgb(1, 2, 3); --ticker-accent: rgb(4, 5, 6); block-size: 10rem }</style>"""
    )
    page = reader().open(host.put("/", host_page(harness.address, 'edition="en"', head=head)))
    expect_live(page)
    # Firefox paints a transparent track white on a page with `color-scheme: dark`.
    expect(page.locator("[part=view]")).to_have_css("scrollbar-color", "rgb(1, 2, 3) rgb(0, 0, 51)")
    page.keyboard.press("Tab")
    expect(page.locator("[part=pause]")).to_be_focused()
    expect(page.locator("[part=pause]")).to_have_css("outline-color", "rgb(4, 5, 6)")
    page.evaluate(f"{ELEMENT}.style.setProperty('--ticker-focus', 'rgb(7, 8, 9)')")
    expect(page.locator("[part=pause]")).to_have_css("outline-color", "rgb(7, 8, 9)")


@pytest.mark.parametrize("background", ["transparent", "#fff0"])
def test_label_and_test_mark_can_be_read_on_a_transparent_background(
    reader: Readers, harness: BrowserHarness, host: Host, background: str
) -> None:
    harness.post("en", "One")
    page = open_tickers(
        reader, harness, host, 1000, f'edition="en" layout="strip" style="--ticker-background: {background}"'
    )
    for part in ("label", "test"):
        color = page.locator(f"[part~={part}]").evaluate("each => getComputedStyle(each).color")
        assert color == ("color(srgb 0 0 0)" if background == "transparent" else "color(srgb 1 1 1)")


def test_every_piece_has_a_part(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    post_sample_lines(harness)
    harness.post("en", "Rovers win 2-1")
    page = open_tickers(reader, harness, host, 1000, 'edition="en"', 'edition="en" layout="strip"')
    without = page.evaluate("""[...document.querySelectorAll("breaking-ticker")].flatMap(each =>
      [...each.shadowRoot.querySelectorAll(":not([part], .announcer, .announcer *)")].map(node => node.outerHTML))""")
    assert without == []
