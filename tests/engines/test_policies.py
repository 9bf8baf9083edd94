"""In every engine: strict policies get no report, and a framed edition goes live."""

from __future__ import annotations

import pytest

from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.engine_browser import EngineBrowser
from tests.support.engine_pages import LINES, put_page, reports, until_live

EDITIONS = ("en", "ar")
TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types 'none'"


def test_strict_policy_with_trusted_types_gets_no_report(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    for edition in EDITIONS:
        harness.post(edition, "One", url="https://example.org/", urgency=1)
    policy = (
        f"default-src 'none'; script-src {harness.address} {host.address}; connect-src {harness.address}; "
        f"img-src data:; {TRUSTED_TYPES}"
    )
    elements = [
        f'edition="{edition}" layout="{layout}"' for layout in ("strip", "crawl", "list") for edition in EDITIONS
    ]
    tab = open_page(put_page(host, harness.address, *elements, policy=policy))
    until_live(tab, len(elements))
    wrong = {edition: harness.post(edition, "Two") for edition in EDITIONS}
    tab.until(f"() => ({LINES})().every(lines => lines.includes('Two'))", "the new line in all layouts")
    for edition, line in wrong.items():
        harness.withdraw(edition, line, "wrong")
    tab.until(f"() => ({LINES})().every(lines => !lines.includes('Two'))", "the line is withdrawn in all layouts")
    assert reports(tab) == []


@pytest.mark.parametrize("transport", ["socket", ""])
def test_policy_that_forbids_web_sockets_leads_to_events_at_once(
    browser: EngineBrowser, harness: BrowserHarness, host: Host, transport: str
) -> None:
    """In Firefox and WebKit, `new WebSocket` throws under such a policy. Five selections are more than the slots."""
    policy = f"default-src 'none'; script-src {harness.address} {host.address}; connect-src {harness.address}"
    tickers = [f'edition="en" transport="{transport}" lines="2" urgency="{urgency}"' for urgency in range(5, 10)]
    tab = browser.open(put_page(host, harness.address, *tickers, policy=f"{policy}; img-src data:"))
    until_live(tab, len(tickers))
    harness.post("en", "One")
    tab.until(f"() => ({LINES})().every(lines => lines.join() === 'One')", "the new line in each")
    # The browser reports each attempt, and nothing else.
    assert {each[0] for each in reports(tab)} <= {"connect-src"}
    browser.forget()


def test_recorder_sees_a_report(browser: EngineBrowser, harness: BrowserHarness, host: Host) -> None:
    """The tests of policies rely on it."""
    policy = f"default-src 'none'; script-src {harness.address} {host.address}; img-src data:"
    tab = browser.open(put_page(host, harness.address, policy=policy))
    tab.evaluate("address => { fetch(address).catch(() => {}) }", f"{host.address}/other")
    tab.until("() => window.reports.some(each => each[0] === 'connect-src')", "the report")
    browser.forget()


def test_documented_frame_goes_live_and_shows_new_lines(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "Before")
    frame = (
        f'<iframe src="{harness.address}/en/embed" title="Breaking news" width="600" height="480" loading="lazy" '
        'sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox"></iframe>'
    )
    page = f"<!doctype html><title>Host</title><link rel=icon href=data:,><body>{frame}"
    tab = open_page(host.put("/", page))
    tab.until("() => document.querySelector('breaking-ticker')?.state === 'live'", "live in the frame", in_frame=True)
    harness.post("en", "After")
    tab.until(f"() => ({LINES})()[0].join() === 'After,Before'", "the new line in the frame", in_frame=True)
