"""A private edition in a page: the element asks for a token, sends it in no URL, renews it, and shares nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, expect_live, held, host_page, until, until_with_clock
from tests.support.private_editions import HOUR_S, STRANGER, keys_file, private_edition, token_for
from ticker.gateway.follower import Leave
from ticker.settings import Settings

pytestmark = pytest.mark.usefixtures("controlled_clock")

ASKED = "window.asked"
PAGE = """
<script>
  window.asked = [];
  window.tokens = [];
  addEventListener("ticker:token", ({ target, detail }) => {
    asked.push(detail.refused);
    if (tokens.length) target.token = tokens.shift();
  });
</script>
"""


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[BrowserHarness]:
    """A gateway with one private edition."""
    settings = Settings(heartbeat_s=1, drain_s=0.2, access_keys_file=keys_file(tmp_path))
    with BrowserHarness({"en": private_edition()}, settings) as harness:
        yield harness


def open_page(page: Page, harness: BrowserHarness, host: Host, transport: str, *tokens: str) -> list[str]:
    """Open a page that has these tokens to give, one after the other. Return a list of the URLs that it requests."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.on("websocket", lambda socket: urls.append(socket.url))
    content = host_page(harness.address, f'edition="en" {transport}', head=PAGE)
    page.goto(host.put("/", content.replace("/ticker.js", "/ticker-private.js")))
    page.evaluate("tokens => { window.tokens = tokens }", list(tokens))
    return urls


def end_hour(harness: BrowserHarness) -> None:
    later = datetime.now(UTC) + timedelta(seconds=2 * HOUR_S)
    harness.hub.channels["en"]._clock = lambda: later


def test_element_asks_for_tokens_and_misses_nothing(
    page: Page, harness: BrowserHarness, host: Host, transport: str
) -> None:
    harness.post("en", "First")
    first, second = token_for("en"), token_for("en", for_s=9 * HOUR_S)
    urls = open_page(page, harness, host, transport, first, second)
    until_with_clock(page, lambda: harness.followers("en") == 1, "the element connects with the token")
    expect_lines(page, "First")
    assert page.evaluate(ASKED)[-1] is True
    assert page.evaluate("document.querySelector('breaking-ticker').token") == first
    assert "lead" not in held(page), "it shares no connection"
    end_hour(harness)
    until(page, lambda: harness.hub.channels["en"].counts.left[Leave.TOKEN] == 1, "the gateway closes the connection")
    harness.post("en", "While the token was expired")
    until_with_clock(page, lambda: harness.followers("en") == 1, "it connects again with the second token")
    expect_lines(page, "While the token was expired", "First")
    expect_live(page)
    for secret in (first, second):
        assert not any(secret in url for url in urls)
        assert secret not in page.content()


def test_element_asks_a_minute_before_its_token_expires(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "First")
    open_page(page, harness, host, "")
    page.evaluate("token => { document.querySelector('breaking-ticker').token = token }", token_for("en", for_s=90))
    expect_lines(page, "First")
    before = page.evaluate(ASKED)
    page.clock.run_for(31_000)
    until(page, lambda: page.evaluate(ASKED) == [*before, False], "it asks in time")
    assert harness.followers("en") == 1, "the connection stays"


def test_page_with_wrong_tokens_causes_few_requests(page: Page, harness: BrowserHarness, host: Host) -> None:
    wrong = [token_for("en", key=STRANGER, for_s=HOUR_S + number) for number in range(100)]
    urls = open_page(page, harness, host, "", *wrong)
    for _ in range(10):
        page.clock.run_for(1000)
        page.wait_for_timeout(20)
    assert len(page.evaluate("window.tokens")) < 99, "it has tried more than one"
    assert sum("/v1/en/" in url for url in urls) < 20
    assert harness.followers("en") == 0
