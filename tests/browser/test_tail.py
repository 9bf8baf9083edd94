"""The third way to connect: the element polls the tail. A real gateway, without its streams."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import HURRY, expect_lines, expect_live, host_page, until
from tests.support.browser_reader import Reader, Readers
from ticker.web.assets import Assets

POLICY = "default-src 'none'; img-src data:; script-src {0}; connect-src {0}; require-trusted-types-for 'script'"
TICKER = 'edition="en" lines="3"'
POLLING = f'{TICKER} transport="tail"'


@pytest.fixture
def visitor(reader: Readers) -> Reader:
    visitor = reader()
    visitor.context.add_init_script(HURRY)
    return visitor


def tails(page: Page) -> list[str]:
    """Return the requests of a page for the tail, from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if request.url.endswith("/tail") else None)
    return found


def block_streams(visitor: Reader) -> None:
    visitor.context.route(re.compile("/events"), lambda route: route.abort())
    visitor.context.route_web_socket(re.compile("/live"), lambda socket: socket.close())


def requests_for(visitor: Reader, name: str) -> list[str]:
    return [url for url in visitor.requests if name in url]


def test_polling_page_shows_each_change_under_a_strict_policy(
    visitor: Reader, harness: BrowserHarness, host: Host
) -> None:
    line = harness.post("en", "One")
    body = host_page(harness.address, POLLING)
    address = host.put("/", body, Content_Security_Policy=POLICY.format(harness.address))
    page = visitor.open(address)
    expect_live(page)
    expect_lines(page, "One")
    harness.post("en", "Two")
    expect_lines(page, "Two", "One")
    harness.withdraw("en", line, "It was wrong")
    expect_lines(page, "Two", "Withdrawn It was wrong")
    assert "One" not in page.locator("breaking-ticker").evaluate("each => each.shadowRoot.textContent")
    assert requests_for(visitor, "/events") + requests_for(visitor, "/live") == []
    assert len(requests_for(visitor, "/widget/tail.js")) == 1


def test_only_the_leading_tab_polls(visitor: Reader, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    address = host.put("/", host_page(harness.address, POLLING))
    first = visitor.open(address)
    expect_live(first)
    second = visitor.context.new_page()
    polled = tails(second)
    second.goto(address)
    expect_live(second)
    harness.post("en", "Two")
    for page in (first, second):
        expect_lines(page, "Two", "One")
    assert polled == []


def test_page_polls_if_neither_events_nor_a_socket_get_through(
    visitor: Reader, harness: BrowserHarness, host: Host
) -> None:
    block_streams(visitor)
    harness.post("en", "One")
    page = visitor.open(host.put("/", host_page(harness.address, TICKER)))
    expect_live(page)
    harness.post("en", "Two")
    expect_lines(page, "Two", "One")
    assert requests_for(visitor, "/events")
    assert requests_for(visitor, "/v1/en/tail")


def test_page_that_pins_its_scripts_loads_no_other_one_by_itself(
    visitor: Reader, harness: BrowserHarness, host: Host
) -> None:
    block_streams(visitor)
    pinned = f'crossorigin integrity="{Assets("0.1.0").integrity("ticker.js")}" src='
    page = visitor.open(host.put("/", host_page(harness.address, TICKER).replace("src=", pinned)))
    boards = "/board"  # the page requests the board when a stream failed, and then tries the other stream
    until(page, lambda: len(requests_for(visitor, boards)) >= 5, "each stream was tried several times")
    assert requests_for(visitor, "tail") == []
