"""WCAG 2.2: what axe-core can judge, and what only use can show."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Reader
from tests.support.browser_harness import Host, Newsroom
from tests.support.browser_lines import fill
from tests.support.browser_pages import host_page, is_live, shows
from tests.support.scripted_server import Gateway, SocketGateway, line, position
from ticker import widget
from ticker.core.line import Change

Readers = Callable[..., Reader]
ELEMENT = "document.querySelector('breaking-ticker')"


def violations(page: Page) -> list[str]:
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(each => each.violations)")
    return [f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", widget.THEMES)
def test_axe_finds_nothing_in_any_layout_and_language(
    reader: Readers, newsroom: Newsroom, host: Host, theme: str, scheme: str
) -> None:
    fill(newsroom)
    page = reader(color_scheme=scheme, viewport={"width": 1000, "height": 5000}).context.new_page()
    tickers = [
        f'edition="{edition}" layout="{layout}" label="{edition} {layout}"'
        for edition in ("en", "ar", "es")
        for layout in ("list", "strip", "crawl")
    ]
    head = (
        f'<link rel="stylesheet" href="{newsroom.address}/widget/themes.css">'
        '<meta name="color-scheme" content="light dark">'
    )
    before = f'<main data-ticker-theme="{theme}"><h1>Host</h1>'
    page.goto(host.put("/", host_page(newsroom.address, *tickers, head=head, before=before, after="</main>")))
    is_live(page, 9)
    page.evaluate("document.querySelectorAll('[layout=crawl]').forEach(each => each.pause())")
    assert violations(page) == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?theme=bulletin&scheme=dark",
        "/en",
        "/ar?scheme=dark",
        "/es?layout=strip",
        "/en?wall=1",
        "/ar/embed",
        "/xx",
    ],
)
def test_axe_finds_nothing_on_any_page(reader: Readers, newsroom: Newsroom, path: str) -> None:
    fill(newsroom)
    page = reader(viewport={"width": 1000, "height": 3000}, bypass_csp=True).context.new_page()
    page.goto(newsroom.address + path)
    if path != "/xx":
        expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
    assert violations(page) == []


def test_axe_finds_nothing_without_javascript_either(reader: Readers, newsroom: Newsroom) -> None:
    """The rendered lines, before the element takes over: the module is kept away."""
    fill(newsroom)
    page = reader(bypass_csp=True).context.new_page()
    page.route("**/ticker.js", lambda route: route.abort())
    page.goto(newsroom.address + "/ar")
    expect(page.locator("breaking-ticker > ol > li")).to_have_count(6)
    assert violations(page) == []


@pytest.fixture
def gateway(reader: Readers, newsroom: Newsroom, host: Host) -> Gateway:
    page = reader().context.new_page()
    page.clock.install()
    gateway = SocketGateway(page)
    page.goto(
        host.put(
            "/",
            host_page(
                newsroom.address, 'edition="en" transport="socket"', 'edition="en" transport="socket" layout="strip"'
            ),
        )
    )
    gateway.wait(1)
    return gateway


def test_news_is_announced_politely_in_batches_and_not_too_often(gateway: Gateway) -> None:
    page = gateway.page
    announcer = page.locator(".heard").first
    expect(announcer).to_have_attribute("aria-live", "polite")
    gateway.board(line(1, "On the board"))
    is_live(page, 2)
    for number in range(2, 8):
        gateway.line(number, f"Line {number}", urgency=1 if number == 7 else 4)
    shows_first(page, "Flash Line 7")
    expect(announcer).to_be_empty()
    page.clock.run_for(2_100)
    expect(announcer).to_have_text("Flash Line 7 Line 6 Line 5New: 3")
    expect(page.locator(".heard").nth(1)).to_be_empty()  # of two elements with one connection, one speaks
    gateway.line(8, "Line 8")
    page.clock.run_for(5_000)
    expect(announcer).not_to_contain_text("Line 8")
    page.clock.run_for(6_000)
    expect(announcer).to_have_text(" Line 8")
    page.clock.run_for(11_000)
    expect(announcer).to_be_empty()


def test_replays_pins_and_refiles_are_not_announced_but_withdrawals_are(gateway: Gateway) -> None:
    page = gateway.page
    announcer = page.locator(".heard").first
    gateway.board(line(1, "On the board"))
    is_live(page, 2)
    gateway.end()
    page.clock.run_for(1_500)
    gateway.wait(2)
    gateway.line(2, "Replayed")
    gateway.say("live", position=position(2), replayed=1)
    gateway.line(2, "Replayed.", version=2, change="refile")
    gateway.line(2, "Replayed.", version=3, change="pin", pinned_until="2099-01-01T00:00:00Z")
    shows_first(page, "Replayed.")
    page.clock.run_for(15_000)
    expect(announcer).to_be_empty()
    gateway.line(2, "", version=4, change="withdraw", status="canceled", correction="not so")
    shows_first(page, "Withdrawn not so")
    page.clock.run_for(2_100)
    expect(announcer).to_have_text("Withdrawn not so")


@pytest.mark.parametrize("off", ["attribute", "pause"])
def test_announcements_can_be_switched_off(gateway: Gateway, off: str) -> None:
    page = gateway.page
    gateway.board(line(1, "On the board"))
    is_live(page, 2)
    switch = "each.setAttribute('announce', 'off')" if off == "attribute" else "each.pause()"
    page.evaluate(f"document.querySelectorAll('breaking-ticker').forEach(each => {switch})")
    gateway.line(2, "Line 2")
    page.clock.run_for(15_000)
    expect(page.locator(".heard").first).to_be_empty()
    expect(page.locator(".heard").nth(1)).to_be_empty()


def shows_first(page: Page, text: str) -> None:
    expect(page.locator("breaking-ticker").first.locator("[part~=line] [part=text]").first).to_have_text(text)


def test_the_focus_is_not_lost_when_lines_move(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    posted = [newsroom.post("en", f"Line {number}", url=f"https://example.org/{number}") for number in range(4)]
    page = reader().open(host.put("/", host_page(newsroom.address, 'edition="en" lines="4"')))
    is_live(page)
    focused = f"{ELEMENT}.shadowRoot.activeElement?.textContent"
    page.get_by_role("link", name="Line 1").focus()
    newsroom.post("en", "Line 4")
    shows(page, "Line 4", "Line 3", "Line 2", "Line 1")
    assert page.evaluate(focused) == "Line 1"
    newsroom.change("en", posted[1], Change.UPDATE, text="Line 1 goes on")
    shows(page, "Line 4", "Line 3", "Line 2", "Updated Line 1 goes on")
    assert page.evaluate(focused) == "Line 1 goes on"
    newsroom.change(
        "en",
        posted[1],
        Change.PIN,
        version=3,
        text="Line 1 is pinned",
        pinned_until=posted[1].created_at.replace(year=2099),
    )
    shows(page, "Line 1 is pinned", "Line 4", "Line 3", "Line 2")
    assert page.evaluate(focused) == "Line 1 is pinned"
    newsroom.change(
        "en", posted[1].without_text(posted[1].status.CANCELED), Change.WITHDRAW, version=4, correction="wrong"
    )
    shows(page, "Line 4", "Line 3", "Line 2", "Withdrawn wrong", "Line 0")
    assert page.evaluate(f"{ELEMENT}.shadowRoot.activeElement?.getAttribute('part')") == "view"


def test_a_reader_who_has_scrolled_down_stays_with_the_lines(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post_all("en", [f"Line {number}" for number in range(30)])
    head = "<style>breaking-ticker { --ticker-height: 200px }</style>"
    page = reader().open(host.put("/", host_page(newsroom.address, 'edition="en" lines="40"', head=head)))
    is_live(page)
    page.evaluate(f"{ELEMENT}.shadowRoot.querySelector('[part=view]').scrollTop = 300")
    items = f"[...{ELEMENT}.shadowRoot.querySelectorAll('li')]"
    place = f"{items}.find(each => each.textContent.includes('Line 20')).getBoundingClientRect().y"
    before = page.evaluate(place)
    newsroom.post_all("en", ["New 1", "New 2", "New 3"])
    expect(page.locator("[part~=line]")).to_have_count(33)
    assert abs(page.evaluate(place) - before) < 1
    assert page.evaluate(f"{ELEMENT}.shadowRoot.querySelector('[part=view]').tabIndex") == 0, "it scrolls by keyboard"


def test_targets_are_large_enough(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One")
    page = reader().open(host.put("/", host_page(newsroom.address, 'edition="en" layout="strip"')))
    is_live(page)
    page.evaluate(f"{ELEMENT}.pause()")
    newsroom.post("en", "Two")
    expect(page.locator("[part=new]")).to_be_visible()
    for button in page.locator("breaking-ticker button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24


def test_flash_is_marked_by_more_than_colour_also_in_forced_colours(
    reader: Readers, newsroom: Newsroom, host: Host
) -> None:
    newsroom.post("en", "Urgent", urgency=1)
    page = reader(forced_colors="active").open(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    item = page.locator("[part~=urgent]")
    expect(item.locator("[part~=tag]")).to_have_text("Flash")
    expect(item).to_have_css("font-weight", "700")
    expect(item).to_have_css("border-inline-start-width", "4px")
    expect(page.locator("[part=pause]")).to_have_css("border-top-style", "solid")
    page.locator("[part=pause]").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(page.locator("[part=pause]")).to_have_css("outline-style", "solid")


@pytest.mark.parametrize("layout", ["list", "strip", "crawl"])
def test_on_paper_every_line_stands(reader: Readers, newsroom: Newsroom, host: Host, layout: str) -> None:
    newsroom.post_all("en", [f"Line {number}" for number in range(10)])
    head = "<style>breaking-ticker { --ticker-height: 100px }</style>"
    page = reader().open(host.put("/", host_page(newsroom.address, f'edition="en" layout="{layout}"', head=head)))
    is_live(page)
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


def test_text_may_be_twice_as_large_and_spaced(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    """WCAG 1.4.4 and 1.4.12: nothing is cut off."""
    fill(newsroom)
    head = "<style>breaking-ticker { --ticker-size: 32px; --ticker-height: 60vh }</style>"
    page = reader(viewport={"width": 640, "height": 900}).open(
        host.put("/", host_page(newsroom.address, 'edition="en"', 'edition="ar" layout="strip"', head=head))
    )
    is_live(page, 2)
    for view in page.locator("[part=view]").all():
        assert view.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert view.evaluate("each => getComputedStyle(each).overflowY") == "auto"
