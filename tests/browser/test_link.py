"""The connection: how lines get to the page, whatever happens to the network, the gateway and the tab."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Reader
from tests.support.browser_harness import Host, Link, Newsroom
from tests.support.browser_pages import as_time_passes, host_page, is_live, reaches, shows, state, texts, until
from tests.support.scripted_server import EDITION, EventsGateway, Gateway, SocketGateway, line, position
from ticker.settings import Settings

Readers = Callable[..., Reader]

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""


@pytest.fixture
def page(reader: Readers, newsroom: Newsroom, host: Host) -> Page:
    """A host's page whose clock the test turns; nothing is loaded yet."""
    page = reader().context.new_page()
    page.clock.install()
    return page


@pytest.fixture(params=["", 'transport="socket"'], ids=["events", "socket"])
def transport(request: pytest.FixtureRequest) -> str:
    """The attribute for each kind of connection; events are the default."""
    given: str = request.param
    return given


@pytest.fixture
def gateway(page: Page, newsroom: Newsroom, host: Host, transport: str) -> Iterator[Gateway]:
    """The page with one ticker, its connection in the test's hands."""
    if transport:
        yield follow(SocketGateway(page), newsroom, host)
    else:
        with closing(EventsGateway(page)) as gateway:
            yield follow(gateway, newsroom, host)


@pytest.fixture
def sockets(page: Page, newsroom: Newsroom, host: Host) -> SocketGateway:
    """The same with a WebSocket, for what only these have."""
    gateway = SocketGateway(page)
    follow(gateway, newsroom, host)
    return gateway


def follow(gateway: Gateway, newsroom: Newsroom, host: Host) -> Gateway:
    gateway.page.goto(host.put("/", host_page(newsroom.address, f'edition="en" lines="3" {gateway.attributes()}')))
    gateway.wait(1)
    return gateway


# The real gateway


def test_lines_posted_while_it_looks_show_at_once(page: Page, newsroom: Newsroom, host: Host, transport: str) -> None:
    newsroom.post("en", "First")
    page.goto(host.put("/", host_page(newsroom.address, f'edition="en" {transport}')))
    shows(page, "First")
    is_live(page)
    newsroom.post("en", "Second")
    shows(page, "Second", "First")
    assert page.evaluate("document.querySelector('breaking-ticker').position") == str(newsroom.position("en"))


def test_a_gateways_restart_loses_and_repeats_nothing(
    page: Page, newsroom: Newsroom, host: Host, transport: str
) -> None:
    record(page)
    newsroom.post("en", "Before")
    page.goto(host.put("/", host_page(newsroom.address, f'edition="en" {transport}')))
    is_live(page)
    newsroom.stop()
    reaches(page, "waiting")
    newsroom.post_all("en", [f"While away {number}" for number in range(3)])
    newsroom.start()
    page.clock.fast_forward(31_000)
    is_live(page)
    newsroom.post("en", "After")
    shows(page, "After", "While away 2", "While away 1", "While away 0", "Before")
    assert recorded(page) == ["While away 0", "While away 1", "While away 2", "After"]


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
def test_a_cut_of_30_s_at_any_moment_loses_and_repeats_nothing(
    page: Page, newsroom: Newsroom, host: Host, noticed: bool, transport: str
) -> None:
    """Compared with the log, entry by entry. Unnoticed: bytes just stop, while the socket says it is open."""
    with Link(newsroom.port) as link:
        record(page)
        page.goto(host.put("/", host_page(link.address, f'edition="en" lines="5" {transport}')))
        is_live(page)
        for moment in range(3):
            newsroom.post_all("en", [f"{moment} before {number}" for number in range(20)])
            link.cut(closing=noticed)
            newsroom.post_all("en", [f"{moment} within {number}" for number in range(20)])
            page.clock.fast_forward(30_000)
            # Unnoticed, until it is clear that nothing comes any more: what was on its way may have come just now.
            as_time_passes(page, lambda: state(page) != "live", "the cut is noticed", 10_000)
            link.mend()
            as_time_passes(page, lambda: state(page) == "live", "it is live again", 2_000)
            newsroom.post("en", f"{moment} after")
            expect(texts(page).first).to_have_text(f"{moment} after")
        assert recorded(page) == [logged.entry.line.text for logged in newsroom.log["en"]]


def test_the_lines_of_a_rendered_page_go_on_without_gap_or_repeat(page: Page, newsroom: Newsroom) -> None:
    record(page)
    first = newsroom.post_all("en", ["One", "Two", "Three"])

    def late(route: Route) -> None:  # what is posted between the rendering and the first connection
        newsroom.post_all("en", ["Between one", "Between two"])
        newsroom.withdraw("en", first[0], "a mistake")
        route.continue_()

    page.route("**/ticker.js", late)
    page.goto(f"{newsroom.address}/en")
    is_live(page)
    shows(page, "Between two", "Between one", "Three", "Two", "Withdrawn a mistake")
    assert recorded(page) == ["Between one", "Between two", ""]
    assert "after=3-" in page.evaluate("window.connections[0]")
    assert (
        page.evaluate("document.querySelector('breaking-ticker').children.length") == 0
    )  # it is gone from the document


def test_back_and_forward_restore_live_within_a_second(
    reader: Readers, newsroom: Newsroom, host: Host, transport: str
) -> None:
    newsroom.post("en", "Before")
    page = reader().open(host.put("/", host_page(newsroom.address, f'edition="en" {transport}')))
    is_live(page)
    page.evaluate("window.isTheSame = true")
    page.goto(host.put("/other", "<!doctype html><title>Other</title><link rel=icon href=data:,>"))
    until(page, lambda: newsroom.followers("en") == 0, "the page let go")
    newsroom.post("en", "While elsewhere")
    page.go_back(wait_until="commit")
    expect(texts(page)).to_have_text(["While elsewhere", "Before"], timeout=1000)
    expect(page.locator("[part=ticker][data-state=live]")).to_have_count(1, timeout=1000)
    assert page.evaluate("window.isTheSame"), "the page came out of the back/forward cache"


def test_a_page_that_is_put_away_lets_go_and_is_live_again_when_it_is_taken_out(gateway: Gateway, page: Page) -> None:
    """By these two events alone: not every browser says too that the page can be seen again."""
    gateway.board(line(1, "One"))
    is_live(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert state(page) == "idle"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    gateway.wait(2)
    assert gateway.queries()[1]["after"] == [position(1)]


def test_a_place_for_events_is_given_back(page: Page, newsroom: Newsroom, host: Host) -> None:
    held = "navigator.locks.query().then(({ held }) => held.length)"
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    assert page.evaluate(held) == 1
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    until(page, lambda: page.evaluate(held) == 0, "it is given back when the page lets go")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    is_live(page)
    newsroom.stop()
    reaches(page, "waiting")
    until(page, lambda: page.evaluate(held) == 0, "it is given back when the connection is lost")


def test_elements_that_agree_share_a_connection(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "Shared", section="politics")
    page.set_viewport_size({"width": 800, "height": 4000})
    agreeing = ('edition="en" lines="3"', 'edition="en" lines="8" layout="strip"')
    selecting = ('edition="en" section="politics health"', 'edition="en" section="health, politics" lines="2"')
    page.goto(host.put("/", host_page(newsroom.address, *agreeing, *selecting, 'edition="ar"')))
    is_live(page, 5)
    assert (newsroom.followers("en"), newsroom.followers("ar")) == (2, 1)
    page.evaluate("document.querySelectorAll('breaking-ticker').forEach((each, at) => at && each.remove())")
    until(page, lambda: newsroom.followers("en") == 1 and newsroom.followers("ar") == 0, "nobody looks any more")


def test_an_element_that_moves_in_the_document_keeps_its_connection(
    page: Page, newsroom: Newsroom, host: Host, transport: str
) -> None:
    record(page)
    page.goto(host.put("/", host_page(newsroom.address, f'edition="en" {transport}', after="<main></main>")))
    is_live(page)
    page.evaluate("document.querySelector('main').append(document.querySelector('breaking-ticker'))")
    newsroom.post("en", "After the move")
    shows(page, "After the move")
    assert len(page.evaluate("window.connections")) == 1


def test_attributes_are_followed(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "Health", section="health")
    newsroom.post("en", "Politics", section="politics", urgency=2)
    newsroom.post("ar", "خبر")
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    shows(page, "Politics", "Health")
    for name, value, expected in (
        ("section", "health", ["Health"]), ("section", "", ["Politics", "Health"]), ("urgency", "2", ["Politics"]),
        ("urgency", "9", ["Politics", "Health"]), ("lines", "1", ["Politics"]),
        ("lines", "nonsense", ["Politics", "Health"]),
        ("edition", "ar", ["خبر"]),
    ):  # fmt: skip
        page.evaluate(
            "([name, value]) => document.querySelector('breaking-ticker').setAttribute(name, value)", [name, value]
        )
        shows(page, *expected)
    until(page, lambda: newsroom.followers("en") == 0, "the first edition was let go")


def test_an_element_off_screen_waits(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "Far down")
    far = '<div style="block-size: 400vh"></div>'
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"', before=far)))
    page.wait_for_function("!!customElements.get('breaking-ticker')")
    page.clock.run_for(5000)
    assert (state(page), newsroom.followers("en")) == ("idle", 0)
    page.locator("breaking-ticker").scroll_into_view_if_needed()
    shows(page, "Far down")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("document.scrollingElement.scrollTop === 0")
    as_time_passes(page, lambda: newsroom.followers("en") == 0, "it was let go", 5000)


def test_events_take_over_where_sockets_do_not_come_through(page: Page, newsroom: Newsroom, host: Host) -> None:
    gateway = SocketGateway(page)
    gateway.refuses = True
    newsroom.post("en", "Over events")
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" transport="socket"')))
    gateway.wait(1)
    as_time_passes(page, lambda: state(page) == "live", "live over events", 500)
    tried = len(gateway.connections)
    assert tried >= 2
    newsroom.post("en", "More over events")
    shows(page, "More over events", "Over events")
    newsroom.stop()  # with `bye`
    reaches(page, "waiting")
    newsroom.post("en", "While away")
    newsroom.start()
    page.clock.fast_forward(31_000)
    shows(page, "While away", "More over events", "Over events")
    is_live(page)
    assert len(gateway.connections) == tried


@pytest.mark.parametrize("trouble", ["refused", "held back"])
def test_a_socket_takes_over_where_events_do_not_come_through(
    page: Page, newsroom: Newsroom, host: Host, trouble: str
) -> None:
    """Held back: a proxy that waits for a response's end before it passes any of it on."""
    record(page)
    page.route("**/v1/en/events*", lambda route: route.abort() if trouble == "refused" else None)
    newsroom.post("en", "Over a socket")
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    as_time_passes(page, lambda: state(page) == "live", "live over a socket", 3000)
    shows(page, "Over a socket")
    tried = [each.partition(":")[0] for each in page.evaluate("window.connections")]
    assert tried == (["http", "http", "ws"] if trouble == "refused" else ["http", "ws"])


@pytest.mark.parametrize("trouble", ["refused", "held back"])
def test_events_that_were_asked_for_are_never_left_for_a_socket(
    page: Page, newsroom: Newsroom, host: Host, trouble: str
) -> None:
    record(page)
    page.route("**/v1/en/events*", lambda route: route.abort() if trouble == "refused" else None)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" transport="events"')))
    as_time_passes(page, lambda: page.evaluate("window.connections.length") >= 5, "five tries", 3000)
    assert page.evaluate("window.connections.some(each => each.startsWith('ws'))") is False


def test_a_restart_however_long_is_no_reason_for_a_socket(page: Page, newsroom: Newsroom, host: Host) -> None:
    record(page)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    newsroom.stop()
    as_time_passes(page, lambda: page.evaluate("window.connections.length") >= 6, "five tries", 3000)
    reaches(page, "waiting")
    newsroom.start()
    page.clock.fast_forward(31_000)
    is_live(page)
    assert page.evaluate("window.connections.some(each => each.startsWith('ws'))") is False


@pytest.mark.parametrize("transport", ["", 'transport="socket"'], ids=["events", "socket"])
def test_a_gateway_that_is_full_is_waited_for(reader: Readers, host: Host, transport: str) -> None:
    """It refuses followers and still shows its board: that is no reason to try the other kind."""
    page = reader().context.new_page()  # with a clock of its own: what it waits for is the real network
    settings = Settings(heartbeat_s=1, drain_s=0.2, followers=1)
    with Newsroom(settings=settings) as newsroom, socket.create_connection(("127.0.0.1", newsroom.port)) as other:
        other.sendall(b"GET /v1/en/events HTTP/1.1\r\nHost: ticker\r\n\r\n")
        until(page, lambda: newsroom.followers("en") == 1, "it is full")
        record(page)
        page.goto(host.put("/", host_page(newsroom.address, f'edition="en" {transport}')))
        until(page, lambda: page.evaluate("window.connections.length") >= 3, "another try after it was asked")
        kinds = {each.partition(":")[0] for each in page.evaluate("window.connections")}
        assert kinds == {"ws" if transport else "http"}
        other.close()
        is_live(page)


def test_however_many_pages_are_open_their_hosts_other_requests_come_through(
    reader: Readers, newsroom: Newsroom, host: Host
) -> None:
    """A browser opens six connections to a host over HTTP/1.1. Four pages have events; the others get sockets."""
    newsroom.post("en", "One")
    visitor = reader()
    address = host.put("/", host_page(newsroom.address, 'edition="en"'))
    pages = []
    for _ in range(9):
        pages.append(visitor.context.new_page())
        record(pages[-1])
        pages[-1].goto(address)
        is_live(pages[-1])
    kinds = [kind for page in pages for kind in page.evaluate("window.connections.map(each => each.split(':')[0])")]
    assert kinds == ["http"] * 4 + ["ws"] * 5
    asked = pages[0].evaluate(f"fetch('{newsroom.address}/v1/en/board', {{ cache: 'no-store' }}).then(each => each.ok)")
    assert asked
    pages[1].close()  # its seat is free again
    until(pages[0], lambda: newsroom.followers("en") == 8, "it let go")
    page = visitor.context.new_page()
    record(page)
    page.goto(address)
    is_live(page)
    assert page.evaluate("window.connections.length") == 1
    assert page.evaluate("window.connections[0]").startswith("http:")


def test_pages_that_can_not_agree_take_sockets(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    """An opaque origin has no locks; neither has a page that didn't come over TLS (but from this machine)."""
    newsroom.post("en", "One")
    context = reader().context
    context.add_init_script(RECORD)
    host.put("/framed", host_page(newsroom.address, 'edition="en"'))
    page = context.new_page()
    page.goto(
        host.put(
            "/",
            "<!doctype html><title>Outer</title><link rel=icon href=data:,>"
            '<iframe sandbox="allow-scripts" src="/framed">',
        )
    )
    frame = page.frame_locator("iframe")
    expect(frame.locator("[part=ticker][data-state=live]")).to_have_count(1)
    assert page.frames[1].evaluate("window.connections.map(each => each.split(':')[0])") == ["ws"]
    insecure = context.new_page()
    insecure.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    insecure.goto(host.put("/insecure", host_page(newsroom.address, 'edition="en"')))
    is_live(insecure)
    assert insecure.evaluate("window.connections.map(each => each.split(':')[0])") == ["ws"]


def test_an_edition_that_is_not_there_is_not_asked_for_again(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    visitor = reader()
    page = visitor.context.new_page()
    page.clock.install()
    page.goto(host.put("/", host_page(newsroom.address, 'edition="xx"')))
    as_time_passes(page, lambda: state(page) == "stopped", "stopped", 3000)
    expect(page.locator("[part=status]")).to_have_text("Not available")
    asked = len(visitor.requests)
    page.clock.run_for(120_000)
    assert len(visitor.requests) == asked


# Scripted faults


def test_a_close_for_good_is_obeyed(sockets: SocketGateway, page: Page) -> None:
    sockets.board(line(1, "One"))
    sockets.close(4001)
    reaches(page, "stopped")
    page.clock.run_for(120_000)
    assert len(sockets.connections) == 1
    shows(page, "One")


def test_bye_is_obeyed_with_its_time(gateway: Gateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    is_live(page)
    gateway.say("bye", retry_ms=20_000, reason="drain")
    reaches(page, "waiting")
    page.clock.run_for(19_000)
    assert len(gateway.connections) == 1
    page.clock.run_for(6_000)
    gateway.wait(2)
    assert gateway.queries()[1]["after"] == [position(1)]


def test_an_open_socket_that_is_silent_is_dead(gateway: Gateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    is_live(page)
    for _ in range(4):
        page.clock.run_for(25_000)
        gateway.say("heartbeat", position=position(2))
        page.wait_for_function(f"document.querySelector('breaking-ticker').position === '{position(2)}'")
    assert len(gateway.connections) == 1
    page.clock.run_for(64_000)
    gateway.wait(2)
    assert gateway.queries()[1]["after"] == [position(2)]


def test_a_connection_that_never_says_anything_times_out(gateway: Gateway, page: Page, transport: str) -> None:
    """The server is well, as it says when it is asked: the other kind of connection comes next."""
    record(page, now=True)
    page.clock.run_for(5_000)  # the clock goes on meanwhile: on a busy machine by seconds
    assert (page.evaluate("window.connections"), state(page)) == ([], "connecting")
    page.clock.run_for(5_000)
    until(page, lambda: page.evaluate("window.connections.length") > 0, "another try")
    assert page.evaluate("window.connections[0]").startswith("http:" if transport else "ws:")


def test_timers_that_come_late_do_no_harm(gateway: Gateway, page: Page) -> None:
    """A tab in the background, or a machine that slept: the clock has jumped when the page runs again."""
    gateway.board(line(1, "One"))
    is_live(page)
    page.evaluate("window.realNow = Date.now; Date.now = () => window.realNow() + 3_600_000")
    page.evaluate(HIDE, False)  # it is looked at again
    page.clock.run_for(100)
    gateway.wait(2)
    assert gateway.queries()[1]["after"] == [position(1)]


def test_a_hidden_tab_lets_go_after_a_grace_period_and_catches_up(gateway: Gateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    is_live(page)
    page.evaluate(HIDE, True)
    page.clock.run_for(20_000)
    gateway.line(2, "Within the grace")
    assert state(page) == "live"
    shows(page, "Within the grace", "One")
    page.clock.run_for(15_000)
    assert state(page) == "idle"
    page.evaluate(HIDE, False)
    gateway.wait(2)
    assert gateway.queries()[1]["after"] == [position(2)]


def test_a_tab_that_is_only_glanced_away_from_stays_connected(gateway: Gateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    is_live(page)
    page.evaluate(HIDE, True)
    page.clock.run_for(20_000)
    page.evaluate(HIDE, False)
    gateway.say("heartbeat", position=position(1))
    page.clock.run_for(20_000)
    assert (state(page), len(gateway.connections)) == ("live", 1)


def test_going_offline_and_online_again_is_noticed_at_once(gateway: Gateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    is_live(page)
    page.context.set_offline(True)
    reaches(page, "offline")
    expect(page.locator("[part=status]")).to_have_text("Offline")
    page.context.set_offline(False)
    page.clock.run_for(1100)
    gateway.wait(2)
    gateway.say("live", position=position(1), replayed=0)
    is_live(page)
    expect(page.locator("[part=status]")).to_be_empty()


def test_retries_back_off_with_jitter_and_begin_anew_after_a_stable_while(gateway: Gateway, page: Page) -> None:
    page.evaluate("""() => {
      window.delays = [];
      const real = setTimeout;
      window.setTimeout = (act, delay) => (delays.push(delay), real(act, delay));
    }""")
    for tries in range(2, 8):  # each opens, speaks and fails at once
        gateway.say("live", position=position(1), replayed=0)
        gateway.end()
        as_time_passes(page, lambda tries=tries: len(gateway.connections) == tries, "another try", 200)  # type: ignore[misc]
    delays = [delay for delay in page.evaluate("delays") if delay % 1 and delay < 30_000]  # not whole: a random share
    assert len(delays) == 6
    assert all(delay <= min(1000 * 2**tries, 30_000) for tries, delay in enumerate(delays))
    assert len(set(delays)) == 6
    gateway.say("live", position=position(1), replayed=0)
    is_live(page)
    page.clock.run_for(11_000)
    gateway.end()
    as_time_passes(page, lambda: len(gateway.connections) == 8, "another try", 200)
    assert page.evaluate("delays.filter(delay => delay % 1).at(-1)") <= 1000


def test_what_is_not_understood_is_ignored(gateway: Gateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    gateway.say("weather", position=position(2), degrees=21)
    gateway.line(3, "Two", shoe_size=44)
    shows(page, "Two", "One")
    assert len(gateway.connections) == 1


@pytest.mark.parametrize("text", ["{", "null", "[]", '{"type":"board","position":"9-x"}', '{"type":"line"}'])
def test_a_broken_message_ends_the_connection_and_is_asked_for_again(gateway: Gateway, page: Page, text: str) -> None:
    gateway.board(line(1, "One"), at=5)
    is_live(page)
    gateway.say_text(text)
    if text == "[]":  # a message of no kind
        gateway.line(6, "Two")
        shows(page, "Two", "One")
        return
    as_time_passes(page, lambda: len(gateway.connections) == 2, "another connection", 500)
    assert gateway.queries()[1]["after"] == [position(5)]
    shows(page, "One")


def test_a_repeat_changes_nothing(gateway: Gateway, page: Page) -> None:
    record(page, now=True)
    gateway.board(line(1, "One"))
    for _ in range(2):
        gateway.line(2, "Two")
    gateway.line(2, "Two, corrected", version=2, change="correct", correction="it was wrong")
    gateway.line(2, "Two")
    shows(page, "Correction Two, correctedit was wrong", "One")
    assert recorded(page) == ["Two", "Two, corrected"]


def test_what_is_replayed_is_told_apart_from_news(gateway: Gateway, page: Page) -> None:
    record(page, now=True)
    gateway.say("board", position=position(1), reset=None, edition=EDITION, lines=[])
    gateway.line(2, "Replayed")
    gateway.say("live", position=position(2), replayed=1)
    gateway.line(3, "News")
    shows(page, "News", "Replayed")
    assert page.evaluate("window.seen.map(each => each.live)") == [False, True]
    assert page.evaluate("window.states") == ["live"]


RECORD = """(() => {
  window.seen = [], window.states = [], window.connections = [];
  addEventListener("ticker:line", ({ detail }) => seen.push({ text: detail.line.text, live: detail.live }));
  addEventListener("ticker:state", ({ detail }) => states.push(detail.state));
  for (const kind of ["WebSocket", "EventSource"])
    window[kind] = class extends window[kind] {
      constructor(...given) { super(...given); connections.push(this.url); }
    };
})()"""


def record(page: Page, *, now: bool = False) -> None:
    """Note every `ticker:line` and `ticker:state`, and every connection, of the page's whole life."""
    if now:
        page.evaluate(RECORD)
    else:
        page.add_init_script(RECORD)


def recorded(page: Page) -> list[str]:
    found: list[str] = json.loads(page.evaluate("JSON.stringify(window.seen.map(each => each.text))"))
    return found
