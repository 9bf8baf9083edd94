"""Pages with tickers for the tests in every engine, and JavaScript functions that look at them."""

from __future__ import annotations

from typing import Any

from tests.support.browser_harness import Host
from tests.support.browser_pages import host_page
from tests.support.engine_browser import Tab

RECORDER = """
window.reports = [], window.seen = [], window.shows = [];
addEventListener("error", ({ message }) => reports.push(["error", message]));
addEventListener("unhandledrejection", ({ reason }) => reports.push(["rejection", String(reason)]));
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  reports.push([violatedDirective, blockedURI, sample]));
const { error } = console;
console.error = (...given) => (reports.push(["console", ...given.map(String)]), error.apply(console, given));
addEventListener("pageshow", ({ persisted }) => shows.push(persisted));
addEventListener("ticker:line", ({ detail }) => seen.push([detail.line.id, detail.line.version, detail.line.text]));
"""
"""A script that records a page's errors, policy reports and lines. A file, because strict policies allow no other."""

LIVE = """count => {
  const found = [...document.querySelectorAll("breaking-ticker")];
  return found.length === count && found.every(({ state }) => state === "live");
}"""
STATE = "() => document.querySelector('breaking-ticker').state"
IN_STATE = "state => document.querySelector('breaking-ticker').state === state"
LINES = """() => [...document.querySelectorAll("breaking-ticker")].map(({ shadowRoot }) =>
  [...shadowRoot.querySelectorAll("[part~=line] [part=text]")].map(each => each.textContent))"""
"""The lines of each ticker."""
SHOWN = f"(...lines) => `${{({LINES})()[0].join('|')}}` === lines.join('|')"
"""Whether the first ticker shows exactly these lines."""
FOCUS = "() => document.querySelector('breaking-ticker').shadowRoot.activeElement?.getAttribute('part') ?? ''"
"""The part of the first ticker that has the focus."""
REPORTS = "() => window.reports.filter(each => !each.join().includes('favicon'))"
SEEN = "() => window.seen.map(each => each[2])"


def put_page(host: Host, server: str, *tickers: str, path: str = "/", policy: str = "", head: str = "") -> str:
    """Serve a page with one ticker for each text of attributes and with the recorder. Return its address."""
    host.put("/recorder.js", RECORDER, Content_Type="text/javascript")
    recorder = '<script src="/recorder.js"></script>'
    headers = {"Content_Security_Policy": policy} if policy else {}
    return host.put(path, host_page(server, *tickers, head=recorder + head), **headers)


def until_live(tab: Tab, count: int = 1) -> None:
    tab.until(LIVE, f"{count} tickers are live", count)


def until_shown(tab: Tab, *lines: str) -> None:
    """Wait until the first ticker shows exactly these lines, from the top."""
    tab.until(SHOWN, f"shows {lines}", *lines)


def reports(tab: Tab) -> list[Any]:
    """Return the errors and the policy reports of the page."""
    found: list[Any] = tab.evaluate(REPORTS)
    return found
