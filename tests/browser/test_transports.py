"""Events and sockets: which one the element uses, and when it changes to the other."""

from __future__ import annotations

import socket
import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import (
    RECORD,
    expect_lines,
    expect_live,
    expect_state,
    host_page,
    record,
    state,
    until,
    until_with_clock,
)
from tests.support.browser_reader import Readers
from tests.support.scripted_server import SocketGateway
from ticker.settings import Settings

pytestmark = pytest.mark.usefixtures("controlled_clock")


def test_events_replace_a_socket_that_does_not_get_through(page: Page, harness: BrowserHarness, host: Host) -> None:
    gateway = SocketGateway(page)
    gateway.refuses = True
    harness.post("en", "Over events")
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    until_with_clock(page, lambda: state(page) == "live", "live over events", 500)
    tried = len(gateway.connections)
    assert tried >= 2
    harness.post("en", "More over events")
    expect_lines(page, "More over events", "Over events")
    harness.stop()  # with `bye`
    expect_state(page, "waiting")
    harness.post("en", "While away")
    harness.start()
    page.clock.fast_forward(31_000)
    expect_lines(page, "While away", "More over events", "Over events")
    expect_live(page)
    assert len(gateway.connections) == tried


@pytest.mark.parametrize("trouble", ["refused", "held back"])
def test_socket_replaces_events_that_do_not_get_through(
    page: Page, harness: BrowserHarness, host: Host, trouble: str
) -> None:
    """Held back: a proxy passes a response on only when it is complete."""
    record(page)
    page.route("**/v1/en/events*", lambda route: route.abort() if trouble == "refused" else None)
    harness.post("en", "Over a socket")
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    until_with_clock(page, lambda: state(page) == "live", "live over a socket", 3000)
    expect_lines(page, "Over a socket")
    *before, last = (each.partition(":")[0] for each in page.evaluate("window.connections"))
    assert last == "ws"
    # One attempt is enough to find out that events are held back, two if they are refused. On a busy machine, the
    # page's clock may overtake the probe, and the same attempt is made again.
    assert 1 <= len(before) <= 3
    assert set(before) == {"http"}


@pytest.mark.parametrize("trouble", ["refused", "held back"])
def test_transport_events_never_uses_a_socket(page: Page, harness: BrowserHarness, host: Host, trouble: str) -> None:
    record(page)
    page.route("**/v1/en/events*", lambda route: route.abort() if trouble == "refused" else None)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="events"')))
    until_with_clock(page, lambda: page.evaluate("window.connections.length") >= 5, "five attempts", 3000)
    assert page.evaluate("window.connections.some(each => each.startsWith('ws'))") is False


def test_long_restart_does_not_change_the_transport(page: Page, harness: BrowserHarness, host: Host) -> None:
    record(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en"')))
    expect_live(page)
    harness.stop()
    until_with_clock(page, lambda: page.evaluate("window.connections.length") >= 6, "five attempts", 3000)
    expect_state(page, "waiting")
    harness.start()
    page.clock.fast_forward(31_000)
    expect_live(page)
    assert page.evaluate("window.connections.some(each => each.startsWith('ws'))") is False


@pytest.mark.parametrize("transport", ["", 'transport="socket"'], ids=["events", "socket"])
def test_full_gateway_is_retried_with_the_same_transport(reader: Readers, host: Host, transport: str) -> None:
    """A full gateway refuses followers but still serves its board. The other transport would be refused too."""
    page = reader().context.new_page()  # with the real clock, because it waits for the real network
    settings = Settings(heartbeat_s=1, drain_s=0.2, followers=1)
    with BrowserHarness(settings=settings) as harness, socket.create_connection(("127.0.0.1", harness.port)) as other:
        other.sendall(b"GET /v1/en/events HTTP/1.1\r\nHost: ticker\r\n\r\n")
        until(page, lambda: harness.followers("en") == 1, "the gateway is full")
        record(page)
        page.goto(host.put("/", host_page(harness.address, f'edition="en" {transport}')))
        until(page, lambda: page.evaluate("window.connections.length") >= 3, "another attempt after the probe")
        kinds = {each.partition(":")[0] for each in page.evaluate("window.connections")}
        assert kinds == {"ws" if transport else "http"}
        other.close()
        expect_live(page)


def test_nine_selections_leave_connections_for_other_requests(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    """A browser opens six connections per host over HTTP/1.1. Four selections use events, the others use sockets."""
    harness.post("en", "One", urgency=1)
    visitor = reader()
    pages = []

    def open_page(urgency: int) -> list[str]:
        pages.append(visitor.context.new_page())
        record(pages[-1])
        pages[-1].goto(host.put(f"/{urgency}", host_page(harness.address, f'edition="en" urgency="{urgency}"')))
        expect_live(pages[-1])
        kinds: list[str] = pages[-1].evaluate("window.connections.map(each => each.split(':')[0])")
        return kinds

    assert [open_page(urgency) for urgency in range(1, 10)] == [["http"]] * 4 + [["ws"]] * 5
    asked = pages[0].evaluate(f"fetch('{harness.address}/v1/en/board', {{ cache: 'no-store' }}).then(each => each.ok)")
    assert asked
    pages[1].close()  # a closed page releases its slot
    until(pages[0], lambda: harness.followers("en") == 8, "the page disconnected")
    assert open_page(2) == ["http"]


def test_pages_without_locks_use_sockets(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    """Browsers withhold Web Locks from pages with an opaque origin, and from other machines' pages without TLS."""
    harness.post("en", "One")
    context = reader().context
    context.add_init_script(RECORD)
    host.put("/framed", host_page(harness.address, 'edition="en"'))
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
    insecure.goto(host.put("/insecure", host_page(harness.address, 'edition="en"')))
    expect_live(insecure)
    assert insecure.evaluate("window.connections.map(each => each.split(':')[0])") == ["ws"]


THROWS = "window[kind] = class { constructor() { throw new DOMException('blocked by a policy', 'SecurityError') } }"


@pytest.mark.parametrize("kind", ["WebSocket", "EventSource"])
def test_transport_that_a_policy_blocks_is_replaced_at_once(
    page: Page, harness: BrowserHarness, host: Host, kind: str
) -> None:
    """Firefox and WebKit throw an exception. The host page must not get it."""
    page.add_init_script(f"const kind = '{kind}'; {THROWS}")
    page.clock.pause_at(time.time() + 1)  # so no timeout passes
    transport = 'transport="socket"' if kind == "WebSocket" else ""
    harness.post("en", "One")
    page.goto(host.put("/", host_page(harness.address, f'edition="en" {transport}')))
    until_with_clock(page, lambda: state(page) == "live", "live with the other transport", 20, most_ms=5_000)


def test_fifth_selection_uses_events_if_a_policy_blocks_sockets(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    page.set_viewport_size({"width": 800, "height": 4000})
    page.add_init_script(f"const kind = 'WebSocket'; {THROWS}")
    tickers = [f'edition="en" lines="2" urgency="{urgency}"' for urgency in range(1, 6)]
    page.goto(host.put("/", host_page(harness.address, *tickers)))
    expect_live(page, 5)
    assert harness.followers("en") == 5
