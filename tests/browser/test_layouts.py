"""The boxes of the layouts' parts, at four widths and in three languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import expect_live, host_page
from tests.support.browser_reader import Readers
from tests.support.scripted_server import SocketGateway, line, position
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.messages import EditionInfo
from ticker.core.rules.labels import find_label

EDITIONS = ("en", "ar", "es")
LAYOUTS = ("list", "strip", "crawl")
WIDTHS = (320, 360, 768, 1440)
PHONE_WIDTHS = (320, 360)
WIDE_WIDTHS = (768, 1440)
NO_MARGIN = "<style>body { margin: 0 } breaking-ticker { display: block }</style>"
LONG = {
    "en": "Storm Odile reaches the coast of Valmora, ferries and trains stop, schools stay shut until Thursday noon",
    "ar": "العاصفة أوديل تبلغ ساحل فالمورا وتوقف العبارات والقطارات وتغلق المدارس أبوابها حتى ظهر الخميس في المدن",
    "es": "La tormenta Odile llega a la costa de Valmora: paran los transbordadores y los trenes hasta el jueves",
}
ELEMENT = "document.querySelector('breaking-ticker')"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

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


def open_tickers(
    reader: Readers, harness: BrowserHarness, host: Host, width: int, *tickers: str, **options: Any
) -> Page:
    page = reader(viewport={"width": width, "height": 8000}, **options).context.new_page()
    page.goto(host.put("/", host_page(harness.address, *tickers, head=NO_MARGIN)))
    expect_live(page, len(tickers))
    expect(page.locator("breaking-ticker").last.locator("[part~=line]").first).to_be_attached()
    return page


def resize(page: Page, width: int) -> None:
    """Give the page another width, and wait until the elements have rendered with it."""
    page.set_viewport_size({"width": width, "height": 8000})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def boxes(page: Page, number: int = 0) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = page.locator("breaking-ticker").nth(number).evaluate(BOXES)
    return found


def strips() -> list[str]:
    return [f'edition="{edition}" layout="strip"' for edition in EDITIONS]


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


@pytest.mark.parametrize("width", WIDE_WIDTHS)
def test_wide_strip_has_label_text_age_and_controls_in_one_row(
    reader: Readers, harness: BrowserHarness, host: Host, width: int
) -> None:
    for edition in EDITIONS:
        harness.post_all(edition, ["12345", "1234"])
    page = open_tickers(reader, harness, host, width, *strips())
    order = ["label", "text", "age", "previous", "count", "next", "pause"]
    for number in range(len(EDITIONS)):
        found = boxes(page, number)
        assert sorted(order, key=lambda part: found[part]["start"]) == order
        for part in order:
            middle = (found[part]["top"] + found[part]["bottom"]) / 2 - found["ticker"]["top"]
            assert abs(middle - found["ticker"]["height"] / 2) < 8
        assert found["label"]["start"] == 0
        assert found["ticker"]["height"] == 56


@pytest.mark.parametrize("width", PHONE_WIDTHS)
def test_strip_on_a_phone_has_a_row_for_label_and_controls_and_two_rows_of_text(
    reader: Readers, harness: BrowserHarness, host: Host, width: int
) -> None:
    for edition in EDITIONS:
        harness.post_all(edition, ["Short", LONG[edition]])
    page = open_tickers(reader, harness, host, width, *strips())
    row = page.locator("[part=view]").first.evaluate("each => parseFloat(getComputedStyle(each).lineHeight)")
    for number in range(len(EDITIONS)):
        found = boxes(page, number)
        for part in ("previous", "count", "next", "pause"):
            assert found["label"]["end"] < found[part]["start"]
            assert found["label"]["top"] <= found[part]["top"] < found[part]["bottom"] <= found["label"]["bottom"]
        assert found["view"]["top"] >= found["label"]["bottom"]
        assert found["text"]["height"] <= 2 * row
        assert found["age"]["top"] >= found["text"]["bottom"] - 1
        assert found["age"]["bottom"] <= found["view"]["bottom"] + 1
        assert found["ticker"]["height"] == 100


def test_long_line_of_a_strip_ends_in_an_ellipsis_and_can_be_read_to_its_end(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    for edition in EDITIONS:
        harness.post(edition, LONG[edition] + " " + LONG[edition], created_at=datetime.now(UTC) - timedelta(minutes=4))
    page = open_tickers(reader, harness, host, 320, *strips())
    for number, view in enumerate(page.locator("[part=view]").all()):
        assert view.evaluate("each => each.tabIndex") == 0
        found = boxes(page, number)
        assert found["text"]["bottom"] <= found["age"]["top"] + 1
        assert found["age"]["bottom"] <= found["view"]["bottom"] + 1
        view.focus()
        for _ in range(2):
            assert view.evaluate("each => each.scrollHeight > each.clientHeight")
            found = boxes(page, number)
            assert found["text"]["bottom"] <= found["age"]["top"] + 1, "also with a transparent background"
            view.evaluate("each => each.scrollTo(0, each.scrollHeight)")
        assert boxes(page, number)["line"]["bottom"] <= found["view"]["bottom"] + 1, "the end of the text"
    page.evaluate("document.activeElement.blur()")
    assert view.evaluate("each => [each.scrollTop, each.tabIndex]") == [0, 0]


def test_strip_takes_the_focus_for_a_long_line_only_also_after_it_rotated(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post_all("en", [LONG["en"] * 3, "Short"])
    page = reader(viewport={"width": 320, "height": 600}).context.new_page()
    page.clock.install()
    page.goto(host.put("/", host_page(harness.address, 'edition="en" layout="strip" interval="10"', head=NO_MARGIN)))
    expect_live(page)
    view = page.locator("[part=view]")
    expect(page.locator("[part=text]:visible")).to_have_text("Short")
    expect(view).to_have_attribute("tabindex", "-1")
    page.clock.run_for(11_000)
    expect(page.locator("[part=text]:visible")).to_have_text(LONG["en"] * 3)
    expect(view).to_have_attribute("tabindex", "0")


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


# Words


@pytest.mark.parametrize(
    ("edition", "label", "ages"),
    [
        ("en", "Breaking", ["now", "13 minutes ago", "2 hours ago", "Nov 23, 2026"]),
        ("ar", "عاجل", ["الآن", "قبل 13 دقيقة", "قبل ساعتين", None]),
        ("es", "Última hora", ["ahora", "hace 13 minutos", "hace 2 horas", "23 nov 2026"]),
    ],
)
def test_strip_has_a_label_and_ages_in_words(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str, label: str, ages: list[str | None]
) -> None:
    page = reader().context.new_page()
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, f'edition="{edition}" layout="strip" transport="socket"')))
    gateway.wait_for_connections(1)
    instants = ("2026-11-24T09:29:50Z", "2026-11-24T09:17:00Z", "2026-11-24T07:29:00Z", "2026-11-23T20:00:00Z")
    lines = [
        line(number, "One", lang=edition, created_at=instant)
        for number, instant in zip((4, 3, 2, 1), instants, strict=True)
    ]
    info = EditionInfo.of(edition, DEFAULT_EDITIONS[edition], edition)
    gateway.send("board", position=position(4), reset=None, edition=msgspec.to_builtins(info), lines=lines)
    gateway.send("live", position=position(4), replayed=0)
    expect(page.locator("[part~=label]")).to_have_text(label)
    for number, age in enumerate(ages):
        if age is not None:
            expect(page.locator("time").nth(number)).to_have_text(age)
    page.evaluate(f"{ELEMENT}.setAttribute('label', 'Storm')")
    expect(page.locator("[part~=label]")).to_have_text("Storm")


@pytest.mark.parametrize(
    ("lang", "edition_lang", "digits"),
    [("", "ar", "0-9"), ("", "ar-u-nu-arab", "٠-٩"), ("ar-u-nu-arab", "ar", "٠-٩"), ("", "ar-EG", "٠-٩")],
)
def test_ages_counts_and_times_have_the_digits_of_the_edition(
    reader: Readers, harness: BrowserHarness, host: Host, lang: str, edition_lang: str, digits: str
) -> None:
    page = reader().context.new_page()
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    attributes = f'edition="ar" layout="strip" transport="socket" lang="{lang}"'
    page.goto(host.put("/", host_page(harness.address, attributes)))
    gateway.wait_for_connections(1)
    lines = [
        line(3, "خبر", lang="ar", created_at="2026-11-24T09:17:00Z"),
        line(2, "خبر", lang=edition_lang, created_at="2026-11-23T09:17:00Z"),
        line(1, "خبر", lang="ar-EG", created_at="2026-11-24T09:17:00Z"),
    ]
    info = {"name": "ar", "title": "أخبار", "lang": edition_lang, "dir": "rtl"}
    gateway.send("board", position=position(3), reset=None, edition=info, lines=lines)
    gateway.send("live", position=position(3), replayed=0)
    expect(page.locator("[part=count]")).not_to_be_empty()
    page.evaluate(f"{ELEMENT}.pause()")
    gateway.line(4, "خبر")
    expect(page.locator("[part=new]")).to_be_visible()
    shown = page.evaluate(f"""[...{ELEMENT}.shadowRoot.querySelectorAll("time, [part=count], [part=new]")]
      .flatMap(each => [each.textContent, each.title ?? ""]).join(" ")""")
    found = set(page.evaluate(r"text => text.match(/\p{Nd}/gu)", shown))
    assert found
    assert found <= set(
        page.evaluate("range => [...'0123456789٠١٢٣٤٥٦٧٨٩'].filter(each => each.match(range))", f"[{digits}]")
    )


@pytest.mark.parametrize(
    ("edition", "words"),
    [
        ("en", ["Flash", "Bulletin", "Urgent"]),
        ("ar", ["فلاش", "خبر عاجل", "عاجل"]),
        ("es", ["Flash", "Boletín", "Urgente"]),
    ],
)
def test_each_urgency_has_its_own_word(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str, words: list[str]
) -> None:
    """In the element, in rendered lines, and for the desk: `tick` suggests this urgency for each of the words."""
    for urgency in (4, 3, 2, 1):
        harness.post(edition, "One", urgency=urgency)
    page = open_tickers(reader, harness, host, 1000, f'edition="{edition}"')
    expect(page.locator("[part~=tag]")).to_have_text(words)
    page.route("**/ticker.js", lambda route: route.abort())
    page.goto(f"{harness.address}/{edition}")
    expect(page.locator("breaking-ticker > ol b")).to_have_text(words)
    assert [find_label(f"{word}: One").urgency for word in words] == [1, 2, 3]  # type: ignore[union-attr]


def test_notices_have_no_number_in_a_strip(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    lines = [harness.post("en", f"Line {number}") for number in range(4)]
    harness.withdraw("en", lines[3], "wrong")
    page = open_tickers(reader, harness, host, 1000, 'edition="en" layout="strip"')
    shown, count = page.locator("[part~=line]:visible [part=text]"), page.locator("[part=count]")
    expect(shown).to_have_text("Line 2")
    expect(count).to_have_text("1/3")
    page.get_by_role("button", name="Previous").click()
    expect(shown).to_have_text("Withdrawn wrong")
    expect(count).to_be_empty()
    page.get_by_role("button", name="Previous").click()
    expect(count).to_have_text("3/3")


# Links


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


# The crawl


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


# Colours and parts


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
