"""WCAG 2.2: what axe-core can check, and what needs a scenario."""

from __future__ import annotations

from typing import Final, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import colour_violations, themed_head, violations
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import announced, expect_lines, expect_live, host_page, until, watch_announcements
from tests.support.browser_reader import Readers
from tests.support.scripted_server import ScriptedGateway, SocketGateway, line, position
from ticker.core.line import Change

ELEMENT = "document.querySelector('breaking-ticker')"


def test_axe_finds_no_violation_in_any_layout_language_and_theme(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    post_sample_lines(harness)
    page = reader(color_scheme="light", viewport={"width": 1000, "height": 5000}).context.new_page()
    tickers = [
        f'edition="{edition}" layout="{layout}" label="{edition} {layout}"'
        for edition in ("en", "ar", "es")
        for layout in ("list", "strip", "crawl")
    ]
    head = themed_head(harness)
    page.goto(host.put("/", host_page(harness.address, *tickers, head=head, before="<main><h1>Host</h1>")))
    expect_live(page, 9)
    page.evaluate("document.querySelectorAll('[layout=crawl]').forEach(each => each.pause())")
    assert violations(page) == []
    assert list(colour_violations(page)) == []


PATHS: Final = (
    "/",
    "/?theme=bulletin&scheme=dark",
    "/en",
    "/ar?scheme=dark",
    "/es?layout=strip",
    "/en?wall=1",
    "/ar/embed",
    "/demo/article",
    "/demo/article?lang=ar&scheme=dark",
    "/xx",
)


def test_axe_finds_no_violation_on_any_page(reader: Readers, harness: BrowserHarness) -> None:
    post_sample_lines(harness)
    page = reader(viewport={"width": 1000, "height": 3000}, bypass_csp=True).context.new_page()
    for path in PATHS:
        page.goto(harness.address + path)
        if path != "/xx":
            expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
        assert (path, violations(page)) == (path, [])


@pytest.mark.parametrize(("edition", "scheme"), [("en", "light"), ("ar", "dark"), ("es", "light")])
def test_axe_finds_no_violation_on_the_pages_of_a_line_and_of_a_story(
    reader: Readers, harness: BrowserHarness, edition: str, scheme: Literal["light", "dark"]
) -> None:
    """The colours are the same in every language."""
    *_, newest = [
        harness.post(edition, "Text", attribution="Source", coverage="Storm", url="https://a.example/", urgency=urgency)
        for urgency in (4, 2, 1)
    ]
    page = reader(bypass_csp=True, viewport={"width": 360, "height": 640}, color_scheme=scheme).context.new_page()
    for path in (f"/{edition}/lines/{newest.id}", f"/{edition}/stories/Storm"):
        page.goto(harness.address + path)
        expect(page.locator(".lines li").first).to_contain_text("Source: Text")
        assert (path, violations(page)) == (path, [])


def test_axe_finds_no_violation_in_rendered_lines(reader: Readers, harness: BrowserHarness) -> None:
    """Before the element replaces the rendered lines: the module doesn't load."""
    post_sample_lines(harness)
    page = reader(bypass_csp=True).context.new_page()
    page.route("**/ticker.js", lambda route: route.abort())
    page.goto(harness.address + "/ar")
    expect(page.locator("breaking-ticker > ol > li")).to_have_count(6)
    assert violations(page) == []


@pytest.fixture
def gateway(reader: Readers, harness: BrowserHarness, host: Host) -> ScriptedGateway:
    page = reader().context.new_page()
    page.clock.install()
    gateway = SocketGateway(page)
    page.goto(
        host.put(
            "/",
            host_page(
                harness.address, 'edition="en" transport="socket"', 'edition="en" transport="socket" layout="strip"'
            ),
        )
    )
    gateway.wait_for_connections(1)
    return gateway


def test_new_lines_are_announced_politely_in_batches(gateway: ScriptedGateway) -> None:
    page = gateway.page
    announcer = page.locator(".announcer").first
    expect(announcer).to_have_attribute("aria-live", "polite")
    gateway.board(line(1, "On the board"))
    expect_live(page, 2)
    watch_announcements(page)
    for number in range(2, 8):
        gateway.line(number, f"Line {number}", urgency=1 if number == 7 else 4)
    shows_first(page, "Flash Line 7")
    assert announced(page) == []
    page.clock.run_for(2_100)
    first = (0, "Flash Line 7 Line 6 Line 5New: 3")
    until(page, lambda: announced(page) == [first], "the first element announces the batch, and the second one nothing")
    gateway.line(8, "Line 8")
    shows_first(page, "Line 8")
    page.clock.run_for(5_000)
    assert announced(page) == [first]
    page.clock.run_for(6_000)
    until(page, lambda: announced(page) == [first, (0, " Line 8")], "the next batch is announced")
    page.clock.run_for(11_000)
    expect(announcer).to_be_empty()


def test_only_new_text_and_withdrawals_are_announced(gateway: ScriptedGateway) -> None:
    page = gateway.page
    announcer = page.locator(".announcer").first
    gateway.board(line(1, "On the board"))
    expect_live(page, 2)
    gateway.disconnect()
    page.clock.run_for(1_500)
    gateway.wait_for_connections(2)
    gateway.line(2, "Replayed")
    gateway.send("live", position=position(2), replayed=1)
    gateway.line(2, "Replayed.", version=2, change="refile")
    gateway.line(2, "Replayed.", version=3, change="pin", pinned_until="2099-01-01T00:00:00Z")
    shows_first(page, "Replayed.")
    page.clock.run_for(3_000)  # an announcement would be in the page from 2 to 12 s after the line
    assert announcer.text_content() == ""
    gateway.line(2, "", version=4, change="withdraw", status="canceled", correction="not so")
    shows_first(page, "Withdrawn not so")
    page.clock.run_for(2_100)
    expect(announcer).to_have_text("Withdrawn not so")
    gateway.line(3, "", change="hide", status="withheld")
    until(page, lambda: page.evaluate(f"{ELEMENT}.position") == position(3), "the hidden line has arrived")
    watch_announcements(page)
    page.clock.run_for(15_000)
    assert announced(page) == []
    gateway.line(3, "Shown again", version=2, change="unhide")
    shows_first(page, "Shown again")
    page.clock.run_for(2_100)
    expect(announcer).to_contain_text("Shown again")


@pytest.mark.parametrize("off", ["attribute", "pause"])
def test_announcements_stop_by_attribute_or_pause(gateway: ScriptedGateway, off: str) -> None:
    page = gateway.page
    gateway.board(line(1, "On the board"))
    expect_live(page, 2)
    switch = "each.setAttribute('announce', 'off')" if off == "attribute" else "each.pause()"
    page.evaluate(f"document.querySelectorAll('breaking-ticker').forEach(each => {switch})")
    gateway.line(2, "Line 2")
    until(page, lambda: page.evaluate(f"{ELEMENT}.position") == position(2), "the line has arrived")
    page.clock.run_for(3_000)  # an announcement would be in the page from 2 to 12 s after the line
    assert page.locator(".announcer").all_text_contents() == ["", ""]


def shows_first(page: Page, text: str) -> None:
    expect(page.locator("breaking-ticker").first.locator("[part~=line] [part=text]").first).to_have_text(text)


def test_focus_stays_on_a_line_that_moves_or_changes(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    posted = [harness.post("en", f"Line {number}", url=f"https://example.org/{number}") for number in range(4)]
    page = reader().open(host.put("/", host_page(harness.address, 'edition="en" lines="4"')))
    expect_live(page)
    focused = f"{ELEMENT}.shadowRoot.activeElement?.textContent"
    page.get_by_role("link", name="Line 1").focus()
    harness.post("en", "Line 4")
    expect_lines(page, "Line 4", "Line 3", "Line 2", "Line 1")
    assert page.evaluate(focused) == "Line 1"
    harness.change("en", posted[1], Change.UPDATE, text="Line 1 goes on")
    expect_lines(page, "Line 4", "Line 3", "Line 2", "Updated Line 1 goes on")
    assert page.evaluate(focused) == "Line 1 goes on"
    harness.change(
        "en",
        posted[1],
        Change.PIN,
        version=3,
        text="Line 1 is pinned",
        pinned_until=posted[1].created_at.replace(year=2099),
    )
    expect_lines(page, "Line 1 is pinned", "Line 4", "Line 3", "Line 2")
    assert page.evaluate(focused) == "Line 1 is pinned"
    harness.change(
        "en", posted[1].without_text(posted[1].status.CANCELED), Change.WITHDRAW, version=4, correction="wrong"
    )
    expect_lines(page, "Line 4", "Line 3", "Line 2", "Withdrawn wrong", "Line 0")
    assert page.evaluate(f"{ELEMENT}.shadowRoot.activeElement?.getAttribute('part')") == "view"


def test_scrolled_reader_keeps_the_same_lines_in_sight(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", [f"Line {number}" for number in range(30)])
    head = "<style>breaking-ticker { --ticker-height: 200px }</style>"
    page = reader().open(host.put("/", host_page(harness.address, 'edition="en" lines="40"', head=head)))
    expect_live(page)
    page.evaluate(f"{ELEMENT}.shadowRoot.querySelector('[part=view]').scrollTop = 300")
    items = f"[...{ELEMENT}.shadowRoot.querySelectorAll('li')]"
    place = f"{items}.find(each => each.textContent.includes('Line 20')).getBoundingClientRect().y"
    before = page.evaluate(place)
    harness.post_all("en", ["New 1", "New 2", "New 3"])
    expect(page.locator("[part~=line]")).to_have_count(33)
    assert abs(page.evaluate(place) - before) < 1
    assert page.evaluate(f"{ELEMENT}.shadowRoot.querySelector('[part=view]').tabIndex") == 0, "it scrolls by keyboard"


def test_buttons_are_at_least_24_pixels_large(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["Zero", "One"])
    page = reader().open(host.put("/", host_page(harness.address, 'edition="en" layout="strip"')))
    expect_live(page)
    page.evaluate(f"{ELEMENT}.pause()")
    harness.post("en", "Two")
    expect(page.locator("[part=new]")).to_be_visible()
    for button in page.locator("breaking-ticker button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24


def test_flash_is_marked_by_more_than_colour(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "Urgent", urgency=1)
    page = reader(forced_colors="active").open(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    item = page.locator("li[part~=flash]")
    expect(item.locator("[part~=tag]")).to_have_text("Flash")
    expect(item).to_have_css("font-weight", "700")
    expect(item).to_have_css("border-inline-start-width", "4px")
    expect(page.locator("[part=pause]")).to_have_css("border-top-style", "solid")
    page.locator("[part=pause]").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(page.locator("[part=pause]")).to_have_css("outline-style", "solid")


@pytest.mark.parametrize("layout", ["list", "strip", "crawl"])
def test_printed_page_shows_every_line(reader: Readers, harness: BrowserHarness, host: Host, layout: str) -> None:
    harness.post_all("en", [f"Line {number}" for number in range(10)])
    head = "<style>breaking-ticker { --ticker-height: 100px }</style>"
    page = reader().open(host.put("/", host_page(harness.address, f'edition="en" layout="{layout}"', head=head)))
    expect_live(page)
    page.emulate_media(media="print")
    view = page.locator("[part=view]").bounding_box()
    assert view is not None
    tops = set()
    for item in page.locator("[part~=line]").all():
        box = item.bounding_box()
        assert box is not None
        assert view["y"] <= box["y"] and box["y"] + box["height"] <= view["y"] + view["height"] + 1  # noqa: PT018
        assert box["x"] >= 0
        tops.add(box["y"])
    assert len(tops) == 10
    expect(page.locator("[part=pause]")).to_be_hidden()


def test_text_at_twice_the_size_is_not_cut_off(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    """WCAG 1.4.4 and 1.4.12."""
    post_sample_lines(harness)
    head = "<style>breaking-ticker { --ticker-size: 32px; --ticker-height: 60vh }</style>"
    page = reader(viewport={"width": 640, "height": 900}).open(
        host.put("/", host_page(harness.address, 'edition="en"', 'edition="ar" layout="strip"', head=head))
    )
    expect_live(page, 2)
    for view in page.locator("[part=view]").all():
        assert view.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert view.evaluate("each => getComputedStyle(each).overflowY") == "auto"
