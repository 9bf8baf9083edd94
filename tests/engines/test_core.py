"""In every engine: lines arrive, survive the death of a gateway, and disappear when they are withdrawn; keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import HURRY
from tests.support.engine_browser import EngineBrowser, Tab
from tests.support.engine_pages import FOCUS, IN_STATE, LINES, SEEN, put_page, reports, until_live, until_shown
from tests.support.servers import RedisServer, free_port, short_folder
from tests.support.system import Program, environment, run_program

TABS = 3
TABS_MAX = 20
PAUSED = "paused => document.querySelector('breaking-ticker').paused === paused"


class Parts:
    """A desk and a gateway as separate processes, so that lines can be posted while the gateway is dead."""

    def __init__(self, environ: dict[str, str], gateway: Program) -> None:
        self.environ = environ
        self.gateway = gateway

    def post(self, text: str) -> None:
        posted = run_program("tick", "post", text, "-e", "en", environ=self.environ)
        assert posted.code == 0, posted.err

    def connections(self) -> int:
        """Return how many followers the gateway has."""
        metrics = httpx.get(f"{self.gateway.url}/metrics", trust_env=False).text
        found = re.findall(r"^ticker_followers{.*} ([0-9.]+)$", metrics, re.MULTILINE)
        return sum(int(float(each)) for each in found)


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    with short_folder() as folder, RedisServer(folder / "redis") as server:
        environ = environment(TICKER_REDIS_URL=server.url, TICK_EDITOR="maha", TICKER_DRAIN_S="1")
        gateway = Program(["gateway", "--port", str(free_port())], environ, folder / "gateway.log")
        with Program(["desk"], environ, folder / "desk.log"), gateway:
            yield Parts(environ, gateway)


def test_lines_arrive_live_in_three_languages(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    texts = {"en": "The bridge is open", "ar": "الجسر مفتوح", "es": "El puente está abierto"}
    tab = open_page(put_page(host, harness.address, *(f'edition="{edition}"' for edition in texts)))
    until_live(tab, 3)
    for edition, text in texts.items():
        harness.post(edition, text)
    tab.until(f"(...lines) => ({LINES})().flat().join() === lines.join()", "three lines", *texts.values())
    assert reports(tab) == []


@pytest.mark.parametrize("transport", ["events", "socket", "tail"])
def test_withdrawn_line_disappears_at_once_also_while_paused(
    open_page: Open, harness: BrowserHarness, host: Host, transport: str
) -> None:
    wrong = harness.post("en", "A line that is wrong")
    harness.post("en", "Another line")
    head = f"<script>{HURRY}</script>" if transport == "tail" else ""
    tab = open_page(put_page(host, harness.address, f'edition="en" transport="{transport}"', head=head))
    until_live(tab)
    until_shown(tab, "Another line", "A line that is wrong")
    assert harness.followers("en") == (0 if transport == "tail" else 1)
    tab.evaluate("() => document.querySelector('breaking-ticker').pause()")
    harness.post("en", "While paused")
    harness.withdraw("en", wrong, "nobody said so")
    tab.until(
        "text => !document.querySelector('breaking-ticker').shadowRoot.textContent.includes(text)",
        "the text is gone",
        wrong.text,
    )
    assert "While paused" not in tab.evaluate(LINES)[0]
    tab.evaluate("() => document.querySelector('breaking-ticker').resume()")
    tab.until(f"() => ({LINES})()[0][0] === 'While paused'", "the newest line")
    assert wrong.text not in tab.evaluate("() => document.querySelector('breaking-ticker').shadowRoot.textContent")
    assert reports(tab) == []


def test_kill_of_the_gateway_loses_no_line_and_repeats_none(
    browser: EngineBrowser, open_page: Open, parts: Parts, host: Host
) -> None:
    """In three tabs that share a connection. `tests/browser/test_shared_tabs.py` kills it twice, in one engine."""
    address = put_page(host, parts.gateway.url, 'edition="en" lines="20"')
    tabs = [open_page(address) for _ in range(TABS)]
    for tab in tabs:
        until_live(tab)
    before = [len(tab.evaluate(SEEN)) for tab in tabs]
    parts.gateway.kill()
    for tab in tabs:
        tab.until(IN_STATE, "waiting", "waiting")
    name = browser.engine.title  # the editions of all engines are one, which accepts no line twice
    expected = [f"Death in {name}", f"Start in {name}"]
    parts.post(expected[0])
    parts.gateway.start()
    for tab in tabs:
        until_live(tab)
    parts.post(expected[1])
    for tab in tabs:
        tab.until(f"text => ({LINES})()[0][0] === text", f"shows {expected[1]}", expected[1])
    for tab, count in zip(tabs, before, strict=True):
        assert tab.evaluate(SEEN)[count:] == expected
        assert tab.evaluate(LINES)[0][: len(expected)] == expected[::-1]
        assert reports(tab) == []
    assert parts.connections() == 1


def focus(tab: Tab, part: str) -> None:
    """Press Tab until a part of the first ticker has the focus."""
    seen: list[str] = []
    while tab.evaluate(FOCUS) != part:
        assert len(seen) < TABS_MAX, f"{part} gets no focus: {seen}"
        tab.press("Tab")
        seen.append(tab.evaluate(FOCUS))


def test_pause_and_resume_work_with_the_keyboard(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two", "Three"])
    tab = open_page(put_page(host, harness.address, 'edition="en" layout="list"'))
    for layout in ("list", "strip", "crawl"):
        tab.goto(put_page(host, harness.address, f'edition="en" layout="{layout}"', path=f"/{layout}"))
        until_live(tab)
        focus(tab, "pause")
        tab.press("Space")
        tab.until(PAUSED, "paused", True)
        tab.press("Enter")
        tab.until(PAUSED, "resumed", False)
        assert reports(tab) == []


def test_a_reader_steps_through_a_strip_with_the_keyboard(open_page: Open, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two", "Three"])
    tab = open_page(put_page(host, harness.address, 'edition="en" layout="strip"'))
    until_live(tab)
    visible = """() => [...document.querySelector("breaking-ticker").shadowRoot.querySelectorAll("[part~=line]")]
      .filter(each => each.checkVisibility()).map(each => each.querySelector("[part=text]").textContent).join()"""
    tab.until(f"() => ({visible})() === 'Three'", "the newest line")
    focus(tab, "next")
    tab.press("Enter")
    tab.until(f"() => ({visible})() === 'Two'", "the line before")
    tab.press("Shift+Tab")
    assert tab.evaluate(FOCUS) == "previous"
    tab.press("Space")
    tab.until(f"() => ({visible})() === 'Three'", "the newest line again")
    assert reports(tab) == []
