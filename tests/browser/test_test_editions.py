"""A test edition is marked as one: in every language and layout, visibly and audibly, on every page."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import expect

from tests.support.axe import colour_violations, themed_head, violations
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import expect_lines, expect_live, host_page
from tests.support.browser_reader import Readers
from ticker.core.edition import DEFAULT_EDITIONS

WORDS = {"en": "TEST", "ar": "اختبار", "es": "PRUEBA"}
MARKS = "breaking-ticker [part=test]"


@pytest.fixture
def test_harness() -> Iterator[BrowserHarness]:
    """A gateway whose editions are all test editions."""
    editions = {name: msgspec.structs.replace(edition, test=True) for name, edition in DEFAULT_EDITIONS.items()}
    with BrowserHarness(editions) as harness:
        yield harness


def test_element_and_each_line_have_the_test_mark(reader: Readers, test_harness: BrowserHarness, host: Host) -> None:
    post_sample_lines(test_harness)
    shown = [(edition, layout) for layout in ("list", "strip", "crawl") for edition in WORDS]
    tickers = [f'edition="{edition}" layout="{layout}"' for edition, layout in shown]
    page = reader(viewport={"width": 320, "height": 6000}).open(
        host.put("/", host_page(test_harness.address, *tickers))
    )
    expect_live(page, len(tickers))
    for (edition, _), element in zip(shown, page.locator("breaking-ticker").all(), strict=True):
        word = WORDS[edition]
        mark = element.locator("[part=test]")
        expect(mark).to_have_text(word)
        expect(mark).to_be_in_viewport(ratio=1)
        title = DEFAULT_EDITIONS[edition].title
        # the name that a screen reader reads
        expect(element.get_by_role("region", name=f"{word} {title}")).to_be_visible()
        expect(element.locator("[part~=tag]")).to_have_count(6)
        assert all(tag.split()[0] == word for tag in element.locator("[part~=tag]").all_text_contents())
        header = element.locator("[part=header]")
        assert header.evaluate("each => each.scrollWidth <= each.clientWidth"), "no button is cut off"


def test_label_of_a_strip_is_on_one_row_also_in_a_narrow_column(
    reader: Readers, test_harness: BrowserHarness, host: Host
) -> None:
    post_sample_lines(test_harness)
    tickers = [f'edition="{edition}" layout="strip"' for edition in WORDS]
    page = reader(viewport={"width": 320, "height": 1000}).open(
        host.put("/", host_page(test_harness.address, *tickers, head="<style>body { margin: 0 }</style>"))
    )
    expect_live(page, len(tickers))
    expect(page.locator("[part=count]:visible")).to_have_count(len(tickers))
    for width in (320, 300, 280, 260):
        page.set_viewport_size({"width": width, "height": 1000})
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        for part in ("test", "title"):
            rows = page.locator(f"[part~={part}]").evaluate_all("""all => all.map(each => {
              const range = document.createRange();
              range.selectNodeContents(each);
              return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
            })""")
            assert (width, part, rows) == (width, part, [1] * len(tickers))


def test_announcement_begins_with_the_test_mark(reader: Readers, test_harness: BrowserHarness, host: Host) -> None:
    page = reader().context.new_page()
    page.clock.install()
    page.goto(host.put("/", host_page(test_harness.address, 'edition="en"')))
    expect_live(page)
    test_harness.post("en", "The bridge is closed", urgency=1)
    expect_lines(page, "TEST Flash The bridge is closed")
    page.clock.run_for(2_100)
    expect(page.locator(".announcer")).to_have_text("TEST Flash The bridge is closed")


def test_normal_edition_has_no_mark(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    page = reader().open(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    expect_lines(page, "One")
    expect(page.locator(MARKS)).to_be_hidden()
    expect(page.get_by_role("region", name="Breaking news", exact=True)).to_be_visible()


def test_mark_is_visible_in_forced_colours_and_print(reader: Readers, test_harness: BrowserHarness, host: Host) -> None:
    page = reader(forced_colors="active").open(host.put("/", host_page(test_harness.address, 'edition="en"')))
    expect_live(page)
    expect(page.locator(MARKS)).to_have_css("border-top-style", "solid")
    page.emulate_media(media="print")
    expect(page.locator(MARKS)).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_every_page_has_the_mark(reader: Readers, test_harness: BrowserHarness, script: bool) -> None:
    post_sample_lines(test_harness)
    page = reader(java_script_enabled=script, viewport={"width": 1200, "height": 900}).context.new_page()
    for path in ("/", "/en", "/en?wall=1", "/en/embed"):
        page.goto(test_harness.address + path)
        mark = page.locator(MARKS if script else "breaking-ticker > .test strong").first
        expect(mark).to_have_text("TEST")
        expect(mark).to_be_in_viewport(ratio=1)
        lines = page.locator("breaking-ticker").first.locator("[part~=tag]" if script else "ol li b:first-of-type")
        expect(lines.first).to_contain_text("TEST")


def test_axe_finds_no_violation_in_the_mark(reader: Readers, test_harness: BrowserHarness, host: Host) -> None:
    """All rules on two of our pages. In every theme, the rules for colours on a page that has only the tickers."""
    post_sample_lines(test_harness)
    page = reader(viewport={"width": 1000, "height": 3000}, bypass_csp=True).context.new_page()
    for path in ("/ar", "/"):
        page.goto(test_harness.address + path)
        expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
        assert (path, violations(page)) == (path, [])
    tickers = [f'edition="en" layout="{layout}"' for layout in ("list", "strip", "crawl")]
    head = themed_head(test_harness)
    page.goto(host.put("/", host_page(test_harness.address, *tickers, head=head, before="<main><h1>Host</h1>")))
    expect_live(page, len(tickers))
    page.evaluate("document.querySelectorAll('[layout=crawl]').forEach(each => each.pause())")
    assert list(colour_violations(page)) == []
