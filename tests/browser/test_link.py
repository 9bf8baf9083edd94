"""The connection: lines reach the page whatever happens to the network, the gateway and the tab."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import (
    HIDE,
    expect_lines,
    expect_live,
    expect_state,
    held,
    host_page,
    record,
    recorded,
    state,
    texts,
    until,
    until_with_clock,
)
from tests.support.browser_reader import Readers
from tests.support.network_proxy import NetworkProxy
from tests.support.scripted_server import ScriptedGateway, SocketGateway, line, position

pytestmark = pytest.mark.usefixtures("controlled_clock")


def test_new_line_is_shown_at_once(page: Page, harness: BrowserHarness, host: Host, transport: str) -> None:
    harness.post("en", "First")
    page.goto(host.put("/", host_page(harness.address, f'edition="en" {transport}')))
    expect_lines(page, "First")
    expect_live(page)
    harness.post("en", "Second")
    expect_lines(page, "Second", "First")
    assert page.evaluate("document.querySelector('breaking-ticker').position") == str(harness.position("en"))


def test_restart_of_the_gateway_loses_and_repeats_nothing(
    page: Page, harness: BrowserHarness, host: Host, transport: str
) -> None:
    record(page)
    harness.post("en", "Before")
    page.goto(host.put("/", host_page(harness.address, f'edition="en" {transport}')))
    expect_live(page)
    harness.stop()
    expect_state(page, "waiting")
    harness.post_all("en", [f"While away {number}" for number in range(3)])
    harness.start()
    page.clock.fast_forward(31_000)
    expect_live(page)
    harness.post("en", "After")
    expect_lines(page, "After", "While away 2", "While away 1", "While away 0", "Before")
    assert recorded(page) == ["While away 0", "While away 1", "While away 2", "After"]


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
def test_network_cut_of_30_s_loses_and_repeats_nothing(
    page: Page, harness: BrowserHarness, host: Host, noticed: bool, transport: str
) -> None:
    """Unnoticed: no more bytes arrive, but the connection seems to be open. The lines are compared with the log."""
    with NetworkProxy(harness.port) as proxy:
        record(page)
        page.goto(host.put("/", host_page(proxy.address, f'edition="en" lines="5" {transport}')))
        expect_live(page)
        for moment in range(2):
            harness.post_all("en", [f"{moment} before {number}" for number in range(20)])
            proxy.cut(closing=noticed)
            harness.post_all("en", [f"{moment} within {number}" for number in range(20)])
            page.clock.fast_forward(30_000)
            # If the cut is unnoticed, the silence timeout has to pass; it starts at the last message that got through.
            until_with_clock(page, lambda: state(page) != "live", "the cut is noticed", 10_000)
            proxy.restore()
            until_with_clock(page, lambda: state(page) == "live", "it is live again", 2_000)
            harness.post("en", f"{moment} after")
            expect(texts(page).first).to_have_text(f"{moment} after")
        assert recorded(page) == [logged.entry.line.text for logged in harness.log["en"]]


def test_rendered_page_continues_without_gap_or_repeat(page: Page, harness: BrowserHarness) -> None:
    record(page)
    first = harness.post_all("en", ["One", "Two", "Three"])

    def post_before_loading(route: Route) -> None:  # after the rendering, before the first connection
        harness.post_all("en", ["Between one", "Between two"])
        harness.withdraw("en", first[0], "a mistake")
        route.continue_()

    page.route("**/ticker.js", post_before_loading)
    page.goto(f"{harness.address}/en")
    expect_live(page)
    expect_lines(page, "Between two", "Between one", "Three", "Two", "Withdrawn a mistake")
    assert recorded(page) == ["Between one", "Between two", ""]
    assert "after=3-" in page.evaluate("window.connections[0]")
    assert (
        page.evaluate("document.querySelector('breaking-ticker').children.length") == 0
    )  # it is gone from the document


def test_page_from_the_back_forward_cache_is_live_again(
    whole_reader: Readers, harness: BrowserHarness, host: Host, transport: str
) -> None:
    harness.post("en", "Before")
    page = whole_reader().open(host.put("/", host_page(harness.address, f'edition="en" {transport}')))
    expect_live(page)
    page.evaluate("window.isTheSame = true")
    page.goto(host.put("/other", "<!doctype html><title>Other</title><link rel=icon href=data:,>"))
    until(page, lambda: harness.followers("en") == 0, "the page disconnected")
    harness.post("en", "While elsewhere")
    page.go_back(wait_until="commit")
    expect(texts(page)).to_have_text(["While elsewhere", "Before"])
    expect(page.locator("[part=ticker][data-state=live]")).to_have_count(1)
    assert page.evaluate("window.isTheSame"), "the page came out of the back/forward cache"


def test_pagehide_disconnects_and_pageshow_reconnects(gateway: ScriptedGateway, page: Page) -> None:
    """These events have to be enough: not every browser also sends `visibilitychange`."""
    gateway.board(line(1, "One"))
    expect_live(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert state(page) == "idle"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    gateway.wait_for_connections(2)
    assert gateway.queries()[1]["after"] == [position(1)]


def test_locks_are_released_with_their_connection(page: Page, harness: BrowserHarness, host: Host) -> None:
    """A page in the back/forward cache may hold no lock. A page that reconnects keeps the lead but no event slot."""
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    assert held(page) == ["lead", "slot"]
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    until(page, lambda: held(page) == [], "all locks are released when the page is hidden")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect_live(page)
    harness.stop()
    expect_state(page, "waiting")
    until(page, lambda: held(page) == ["lead"], "the slot is released when the connection is lost")


def test_elements_with_the_same_selection_share_a_connection(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "Shared", section="politics")
    page.set_viewport_size({"width": 800, "height": 4000})
    agreeing = ('edition="en" lines="3"', 'edition="en" lines="8" layout="strip"')
    selecting = ('edition="en" section="politics health"', 'edition="en" section="health, politics" lines="2"')
    page.goto(host.put("/", host_page(harness.address, *agreeing, *selecting, 'edition="ar"')))
    expect_live(page, 5)
    assert (harness.followers("en"), harness.followers("ar")) == (2, 1)
    page.evaluate("document.querySelectorAll('breaking-ticker').forEach((each, at) => at && each.remove())")
    until(
        page, lambda: harness.followers("en") == 1 and harness.followers("ar") == 0, "the removed elements disconnected"
    )


def test_element_that_moves_in_the_document_keeps_its_connection(
    page: Page, harness: BrowserHarness, host: Host, transport: str
) -> None:
    record(page)
    page.goto(host.put("/", host_page(harness.address, f'edition="en" {transport}', after="<main></main>")))
    expect_live(page)
    page.evaluate("document.querySelector('main').append(document.querySelector('breaking-ticker'))")
    harness.post("en", "After the move")
    expect_lines(page, "After the move")
    assert len(page.evaluate("window.connections")) == 1


def test_changed_attributes_take_effect(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "Health", section="health")
    harness.post("en", "Politics", section="politics", urgency=2)
    harness.post("ar", "خبر")
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_lines(page, "Bulletin Politics", "Health")
    for name, value, expected in (
        ("section", "health", ["Health"]), ("section", "", ["Bulletin Politics", "Health"]),
        ("urgency", "2", ["Bulletin Politics"]),
        ("urgency", "9", ["Bulletin Politics", "Health"]), ("lines", "1", ["Bulletin Politics"]),
        ("lines", "nonsense", ["Bulletin Politics", "Health"]),
        ("edition", "ar", ["خبر"]),
    ):  # fmt: skip
        page.evaluate(
            "([name, value]) => document.querySelector('breaking-ticker').setAttribute(name, value)", [name, value]
        )
        expect_lines(page, *expected)
    until(page, lambda: harness.followers("en") == 0, "the element left the first edition")


def test_element_outside_the_viewport_does_not_connect(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "Far down")
    far = '<div style="block-size: 400vh"></div>'
    page.goto(host.put("/", host_page(harness.address, 'edition="en"', before=far)))
    page.wait_for_function("!!customElements.get('breaking-ticker')")
    page.clock.run_for(5000)
    assert (state(page), harness.followers("en")) == ("idle", 0)
    page.locator("breaking-ticker").scroll_into_view_if_needed()
    expect_lines(page, "Far down")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("document.scrollingElement.scrollTop === 0")
    until_with_clock(page, lambda: harness.followers("en") == 0, "the element disconnected", 5000)


def test_unknown_edition_is_requested_less_and_less_often(page: Page, harness: BrowserHarness, host: Host) -> None:
    page.goto(host.put("/", host_page(harness.address, 'edition="xx"')))
    until_with_clock(page, lambda: state(page) == "stopped", "stopped", 500)
    expect(page.locator("[part=status]")).to_have_text("Not available")
    record(page, now=True)
    page.evaluate("""() => {
      window.requests = [];
      Math.random = () => 0.5;
      window.fetch = async () => (requests.push(performance.now()), new Response("", { status: 404 }));
    }""")
    page.clock.run_for(3_600_000)
    times = page.evaluate("requests")
    delays = [round((after - before) / 1000) for before, after in pairwise(times)]
    # Half of five minutes, and the time in which the lock is requested again: this clock is faster than the browser.
    assert all(150 <= delay <= 153 for delay in delays[-10:])
    growing = [delay for delay in delays if delay < 150]
    assert all(later >= earlier - 3 for earlier, later in pairwise(growing))
    assert (state(page), page.evaluate("window.states"), page.evaluate("window.connections")) == ("stopped", [], [])


@pytest.mark.parametrize(
    ("status", "transport"), [(400, ""), (403, 'transport="socket"'), (404, "")], ids=["400", "403-socket", "404"]
)
def test_element_recovers_from_a_proxy_that_refuses_for_a_moment(
    page: Page, harness: BrowserHarness, host: Host, status: int, transport: str
) -> None:
    harness.post("en", "Before")
    SocketGateway(page).refuses = True
    page.route("**/v1/en/*", lambda route: route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"}))
    page.goto(host.put("/", host_page(harness.address, f'edition="en" {transport}')))
    until_with_clock(page, lambda: state(page) == "stopped", "stopped", 500)
    page.unroute("**/v1/en/*")
    until_with_clock(page, lambda: state(page) == "live", "live again within a few seconds", 500, most_ms=15_000)
    expect_lines(page, "Before")


@pytest.mark.parametrize("sign", ["visible", "online"])
def test_refused_element_retries_at_once_when_the_tab_or_the_network_returns(
    page: Page, harness: BrowserHarness, host: Host, sign: str
) -> None:
    harness.post("en", "Before")
    page.route("**/v1/en/*", lambda route: route.fulfill(status=404, headers={"Access-Control-Allow-Origin": "*"}))
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    until_with_clock(page, lambda: state(page) == "stopped", "stopped", 500)
    for _ in range(30):
        page.clock.run_for(60_000)
    # The clock may have jumped in the middle of a request. Then the element is between two states for a moment.
    until_with_clock(page, lambda: state(page) == "stopped", "stopped again", 500)
    page.unroute("**/v1/en/*")
    if sign == "visible":
        page.evaluate(HIDE, True)
        page.clock.run_for(1)
        assert state(page) == "stopped", "a tab that becomes hidden requests nothing"
        page.evaluate(HIDE, False)
    else:
        page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.run_for(1_100)
    expect_live(page)
