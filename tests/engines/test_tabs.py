"""In every engine: tabs share one connection, and a page returns from the back/forward cache."""

from __future__ import annotations

from scripts.engines import FIREFOX
from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.engine_browser import EngineBrowser
from tests.support.engine_pages import LINES, SEEN, put_page, reports, until_live, until_shown
from tests.support.waiting import until

TABS = 3
TEXT = "() => document.querySelector('breaking-ticker').shadowRoot.textContent"


def test_tabs_share_one_connection_and_a_withdrawal_reaches_all(
    open_page: Open, harness: BrowserHarness, host: Host
) -> None:
    wrong = harness.post("en", "A line that is wrong")
    address = put_page(host, harness.address, 'edition="en"')
    tabs = [open_page(address) for _ in range(TABS)]
    for tab in tabs:
        until_live(tab)
    until(lambda: harness.followers("en") == 1, "one connection")
    harness.post("en", "For all tabs")
    for tab in tabs:
        until_shown(tab, "For all tabs", "A line that is wrong")
    harness.withdraw("en", wrong, "nobody said so")
    for tab in tabs:
        tab.until(f"text => !({TEXT})().includes(text)", "the text is gone", wrong.text)

    tabs[0].close()  # the tab that has the connection
    harness.post("en", "After the first tab")
    for tab in tabs[1:]:
        tab.until(f"() => ({LINES})()[0][0] === 'After the first tab'", "the line after it")
        assert tab.evaluate(SEEN)[-1] == "After the first tab"
        assert tab.evaluate(SEEN).count("For all tabs") == 1
        assert reports(tab) == []
    until(lambda: harness.followers("en") == 1, "one connection again")


def test_page_returns_from_the_back_forward_cache_and_catches_up(
    browser: EngineBrowser, open_page: Open, harness: BrowserHarness, host: Host
) -> None:
    """Firefox loads the page again: it decides before the page can release its lock, see docs/embedding.md."""
    is_cached = browser.engine != FIREFOX
    harness.post("en", "Before")
    tab = open_page(put_page(host, harness.address, 'edition="en"'))
    until_live(tab)
    until_shown(tab, "Before")
    tab.goto(host.put("/other", "<!doctype html><title>Other</title><link rel=icon href=data:,>"))
    until(lambda: harness.followers("en") == 0, "the connection is closed")
    harness.post("en", "While away")
    tab.back()
    tab.until("is => window.shows?.at(-1) === is", "the page shows, from the cache or not", is_cached)
    until_live(tab)
    until_shown(tab, "While away", "Before")
    assert tab.evaluate(SEEN) == (["While away"] if is_cached else [])
    assert reports(tab) == []
