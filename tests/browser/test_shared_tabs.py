"""Tabs of one site share a connection: one tab leads, and the others follow it. Real tabs, a real gateway."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import (
    HIDE,
    expect_lines,
    expect_live,
    host_page,
    record,
    recorded,
    state,
    texts,
    until,
)
from tests.support.browser_reader import Reader, Readers
from tests.support.network_proxy import NetworkProxy
from tests.support.servers import short_folder
from tests.support.system import System
from ticker.core.line import Line

HURRY = """(() => {
  const real = setTimeout;
  window.setTimeout = (act, delay = 0) => real(act, delay / 5);
})()"""
"""Shorten all timers of a page to a fifth, so that a test needn't wait for them."""

PATIENCE = HURRY.replace("/ 5", "* 5")
"""Lengthen all timers of a page, so that a leader on a busy machine doesn't seem to hang."""


def followers(system: System) -> int:
    """Return how many connections the gateway of a system has."""
    metrics = httpx.get(f"{system.url}/metrics").text
    return sum(
        int(float(line.rpartition(" ")[2])) for line in metrics.splitlines() if line.startswith("ticker_followers{")
    )


@pytest.fixture
def system() -> Iterator[System]:
    with short_folder() as folder, System(folder) as system:
        yield system


@pytest.fixture
def visitor(reader: Readers) -> Reader:
    return reader()


@pytest.fixture
def address(harness: BrowserHarness, host: Host) -> str:
    return host.put("/", host_page(harness.address, 'edition="en" lines="5"'))


def open_pages(visitor: Reader, address: str, count: int, script: str = "") -> list[Page]:
    """Open pages one after the other: the first one leads."""
    pages = []
    for _ in range(count):
        page = visitor.context.new_page()
        page.add_init_script(script)
        record(page)
        page.goto(address)
        expect_live(page)
        pages.append(page)
    return pages


def streams(visitor: Reader) -> int:
    """Return how many requests for lines the pages of a visitor have made in all."""
    return len([url for url in visitor.requests if "/v1/en/" in url])


def renderers(browser: Browser) -> set[int]:
    """Return the ids of the processes in which the pages of a browser run."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return {process["id"] for process in processes if process["type"] == "renderer"}


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Stop a process for a time: its page then keeps its lock and its connection, and does nothing."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def leads(page: Page) -> bool:
    """Return whether this page holds the lock: a page that is closed or hung can't say so itself."""
    found: bool = page.evaluate(
        """navigator.locks.query().then(async ({ held }) => {
          const own = await new Promise(done => navigator.locks.request("own", async () =>
            done((await navigator.locks.query()).held.find(({ name }) => name === "own").clientId)));
          return held.some(({ name, clientId }) => / /.test(name) && clientId === own);
        })"""
    )
    return found


def test_five_tabs_open_one_connection_and_a_withdrawal_reaches_all(
    visitor: Reader, harness: BrowserHarness, address: str
) -> None:
    first = harness.post("en", "First")
    pages = open_pages(visitor, address, 5)
    assert (streams(visitor), harness.followers("en")) == (1, 1)
    pages[3].evaluate("document.querySelector('breaking-ticker').pause()")
    pages[4].evaluate(HIDE, True)
    harness.post("en", "Second")
    harness.withdraw("en", first, "a mistake")
    for page in pages[:3]:
        expect_lines(page, "Second", "Withdrawn a mistake")
    expect_lines(pages[3], "Withdrawn a mistake")
    expect_lines(pages[4], "Second", "Withdrawn a mistake")
    assert [recorded(page) for page in pages] == [["Second", ""]] * 5
    assert all(page.evaluate("window.seen.every(each => each.live)") for page in pages)
    assert (streams(visitor), harness.followers("en")) == (1, 1)


def test_tabs_that_open_together_open_one_connection(visitor: Reader, harness: BrowserHarness, address: str) -> None:
    harness.post("en", "First")
    pages = [visitor.context.new_page() for _ in range(5)]
    for page in pages:
        page.add_init_script(PATIENCE)
        page.goto(address, wait_until="commit")
    for page in pages:
        expect_lines(page, "First")
        expect_live(page)
    assert (streams(visitor), harness.followers("en")) == (1, 1)


LINES = ["Meanwhile", "From the first leader", "Withdrawn a mistake"]


def expect_others_to_take_over(harness: BrowserHarness, first: Line, others: list[Page]) -> None:
    """Post and withdraw lines after the leader has gone, and wait until the other tabs show them."""
    harness.post("en", "Meanwhile")
    harness.withdraw("en", first, "a mistake")
    for page in others:
        expect_lines(page, *LINES)
        expect_live(page)
    assert [recorded(page) for page in others] == [["From the first leader", "Meanwhile", ""]] * len(others)
    assert sum(leads(page) for page in others) == 1


@pytest.mark.parametrize("end", ["closes", "crashes", "leaves"])
def test_another_tab_takes_the_lead_without_gap_or_repeat(
    reader: Readers, whole_reader: Readers, harness: BrowserHarness, host: Host, address: str, end: str
) -> None:
    # Only the whole browser keeps a page that the reader leaves.
    visitor = whole_reader() if end == "leaves" else reader()
    first = harness.post("en", "Before")
    leader, *others = open_pages(visitor, address, 3)
    harness.post("en", "From the first leader")
    for page in others:
        expect(texts(page).first).to_have_text("From the first leader")
    if end == "closes":
        leader.close()
    elif end == "crashes":
        with pytest.raises(Error, match="crash"):
            leader.goto("chrome://crash")
    else:
        leader.evaluate("window.isTheSame = true")
        leader.goto(host.put("/other", "<!doctype html><title>Other</title><link rel=icon href=data:,>"))
    expect_others_to_take_over(harness, first, others)
    if end == "leaves":
        leader.go_back(wait_until="commit")
        assert leader.evaluate("window.isTheSame"), "the page came out of the back/forward cache"
        expect_lines(leader, *LINES)
        assert recorded(leader) == ["From the first leader", "Meanwhile", ""]
        until(leader, lambda: harness.followers("en") == 1, "one connection is left")


@pytest.mark.parametrize("has_event", [True, False], ids=["freezes", "hangs"])
def test_frozen_leader_is_replaced_and_catches_up_later(
    visitor: Reader, browser: Browser, harness: BrowserHarness, address: str, has_event: bool
) -> None:
    """With the event, the leader releases its lock first. A tab that hangs keeps it until another tab takes it."""
    first = harness.post("en", "Before")
    before = renderers(browser)
    (leader,) = open_pages(visitor, address, 1, HURRY)
    (process,) = renderers(browser) - before
    others = open_pages(visitor, address, 2, HURRY)
    harness.post("en", "From the first leader")
    for page in (leader, *others):
        expect(texts(page).first).to_have_text("From the first leader")
    if has_event:
        leader.evaluate("document.dispatchEvent(new Event('freeze'))")
    with stopped(process):
        expect_others_to_take_over(harness, first, others)
    if has_event:
        leader.evaluate("document.dispatchEvent(new Event('resume'))")
    expect_lines(leader, *LINES)
    expect_live(leader)
    assert recorded(leader) == ["From the first leader", "Meanwhile", ""]
    until(leader, lambda: harness.followers("en") == 1, "one connection is left")


def test_lost_network_loses_and_repeats_nothing_in_any_tab(
    visitor: Reader, harness: BrowserHarness, host: Host
) -> None:
    with NetworkProxy(harness.port) as proxy:
        address = host.put("/", host_page(proxy.address, 'edition="en" lines="5"'))
        pages = open_pages(visitor, address, 4)
        for moment in range(2):
            harness.post_all("en", [f"{moment} before {number}" for number in range(20)])
            proxy.cut(closing=True)
            harness.post_all("en", [f"{moment} within {number}" for number in range(20)])
            for page in pages:
                until(page, lambda page=page: state(page) == "waiting", "every tab shows the loss")  # type: ignore[misc]
            proxy.restore()
            for page in pages:
                expect_live(page)
        harness.post("en", "The last")
        for page in pages:
            expect(texts(page).first).to_have_text("The last")
            assert recorded(page) == [logged.entry.line.text for logged in harness.log["en"]]
        assert harness.followers("en") == 1


def test_kill_of_the_gateway_loses_and_repeats_nothing_in_any_tab(visitor: Reader, host: Host, system: System) -> None:
    pages = open_pages(visitor, host.put("/", host_page(system.url, 'edition="en" lines="5"')), 3)
    expected = []
    for moment in range(2):
        for when in ("before", "after"):
            expected.append(f"{when.title()} kill number {moment}")
            posted = system.tick("post", expected[-1], "-e", "en")
            assert posted.code == 0, posted.err
            for page in pages:
                expect(texts(page).first).to_have_text(expected[-1])
                assert recorded(page) == expected
            assert followers(system) == 1
            if when == "before":
                system.kill()
                for page in pages:
                    until(page, lambda page=page: state(page) == "waiting", "every tab shows the loss")  # type: ignore[misc]
                system.start()
                for page in pages:
                    expect_live(page)
    assert sum(leads(page) for page in pages) == 1


def test_tab_with_a_larger_board_takes_the_lead(
    visitor: Reader, harness: BrowserHarness, host: Host, address: str
) -> None:
    harness.post_all("en", [f"Line {number}" for number in range(9)])
    (small,) = open_pages(visitor, address, 1)
    (large,) = open_pages(visitor, host.put("/large", host_page(harness.address, 'edition="en" lines="8"')), 1)
    expect(texts(large)).to_have_text([f"Line {number}" for number in range(8, 0, -1)])  # "live" comes before the board
    harness.post("en", "For both")
    expect(texts(large)).to_have_text(["For both", *(f"Line {number}" for number in range(8, 1, -1))])
    expect(texts(small)).to_have_text(["For both", *(f"Line {number}" for number in range(8, 4, -1))])
    assert [recorded(page) for page in (small, large)] == [["For both"]] * 2
    until(large, lambda: harness.followers("en") == 1, "the first tab has left its connection")
    assert leads(large)


def test_tab_that_returns_catches_up_by_taking_the_lead(visitor: Reader, harness: BrowserHarness, address: str) -> None:
    """A suspended tab has a position that the leader can't replay from; the gateway can."""
    leader, other = open_pages(visitor, address, 2)
    other.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    for number in range(60):
        harness.post("en", f"Line {number}")
    expect(texts(leader).first).to_have_text("Line 59")
    other.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(texts(other).first).to_have_text("Line 59")
    harness.post("en", "The last")
    for page in (leader, other):
        expect(texts(page).first).to_have_text("The last")
        assert recorded(page) == [f"Line {number}" for number in range(60)] + ["The last"]
    until(other, lambda: harness.followers("en") == 1, "one connection is left")


def test_page_whose_policy_blocks_the_connection_gets_the_lines_of_another_tab(
    visitor: Reader, harness: BrowserHarness, host: Host, address: str
) -> None:
    visitor.expected = ("Connecting to", "Refused to connect", "Fetch API cannot load")
    harness.post("en", "First")
    blocked = visitor.context.new_page()
    policy = "connect-src 'none'"
    body = host_page(harness.address, 'edition="en" lines="5"')
    blocked.goto(host.put("/blocked", body, Content_Security_Policy=policy))
    until(blocked, lambda: state(blocked) == "waiting", "it can't connect")
    (page,) = open_pages(visitor, address, 1)
    expect_lines(page, "First")
    expect_lines(blocked, "First")
    assert harness.followers("en") == 1


def test_tabs_that_can_not_hear_each_other_connect_separately(
    visitor: Reader, harness: BrowserHarness, address: str
) -> None:
    harness.post("en", "First")
    deaf = "BroadcastChannel.prototype.postMessage = () => {};"
    pages = open_pages(visitor, address, 2, HURRY + ";" + deaf)
    until(pages[0], lambda: harness.followers("en") == 2, "each tab has a connection")
    harness.post("en", "Second")
    for page in pages:
        expect_lines(page, "Second", "First")
        assert recorded(page) == ["Second"]


@pytest.mark.parametrize("missing", ["locks", "channels"])
def test_tabs_of_browsers_that_can_not_share_connect_separately(
    visitor: Reader, harness: BrowserHarness, address: str, missing: str
) -> None:
    scripts = {
        "locks": "Object.defineProperty(navigator, 'locks', { value: undefined })",
        "channels": "window.BroadcastChannel = class { constructor() { throw new DOMException('', 'SecurityError') } }",
    }
    harness.post("en", "First")
    pages = open_pages(visitor, address, 2, scripts[missing])
    assert harness.followers("en") == 2
    harness.post("en", "Second")
    for page in pages:
        expect_lines(page, "Second", "First")


def test_strange_posts_change_nothing(visitor: Reader, harness: BrowserHarness, address: str) -> None:
    """Only pages of the same origin can post, so a post is as trusted as the page; but it may be of another program."""
    harness.post("en", "First")
    leader, follower, stranger = open_pages(visitor, address, 3)
    names = leader.evaluate("navigator.locks.query().then(({ held }) => held.map(({ name }) => name))")
    name = next(name for name in names if " " in name)
    position = str(harness.position("en"))
    for data in (
        None, 1, "text", {}, {"ask": 7}, {"state": "live"},
        {"state": "live", "position": position, "from": position, "message": {"type": "line", "position": "9-9"}},
        {"state": "live", "position": position, "from": position, "message": {"type": "board", "position": "9-9"}},
    ):  # fmt: skip
        stranger.evaluate("([name, data]) => new BroadcastChannel(name).postMessage(data)", [name, json.dumps(data)])
        stranger.evaluate("([name, data]) => new BroadcastChannel(name).postMessage(data)", [name, data])
    harness.post("en", "Second")
    for page in (leader, follower):
        expect_lines(page, "Second", "First")
        assert recorded(page) == ["Second"]
