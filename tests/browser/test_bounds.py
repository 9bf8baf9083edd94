"""What a ticker costs a page: no shift of its layout, no memory, a few bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import Reader
from tests.support.browser_harness import Host, Newsroom
from tests.support.browser_lines import fill
from tests.support.browser_pages import host_page, is_live, until
from ticker.core.line import Change

Readers = Callable[..., Reader]
ELEMENT = "document.querySelector('breaking-ticker')"
WATCH_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver(list => {
    for (const entry of list.getEntries())
      shifts.push([entry.value, ...entry.sources.map(each => each.node?.textContent?.trim().slice(0, 40) ?? "?")]);
  }).observe({ type: "layout-shift", buffered: true });
"""


def shifts(page: Page) -> list[Any]:
    """Every layout shift so far, after a frame more."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[Any] = page.evaluate("shifts")
    return found


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("layout", ["list", "strip", "crawl"])
def test_a_hundred_lines_shift_nothing(
    reader: Readers, newsroom: Newsroom, host: Host, layout: str, width: int
) -> None:
    """Neither the ticker's own lines nor the host's text around it; pins, updates and withdrawals too."""
    posted = newsroom.post_all("en", [f"Line {number} " * (1 + number % 7) for number in range(12)])
    around = "<p>The host's own text, which must not move.</p>"
    page = reader(viewport={"width": width, "height": 1000}).context.new_page()
    page.add_init_script(WATCH_SHIFTS)
    page.goto(
        host.put("/", host_page(newsroom.address, f'edition="en" layout="{layout}"', before=around, after=around))
    )
    is_live(page)
    page.evaluate("shifts.length = 0")  # a host that hasn't kept the room sees one while the module loads
    for number in range(12, 102):
        newsroom.post("en", f"Line {number} " * (1 + number % 7))
        if number % 10 == 0:  # otherwise many come within one frame
            expect(page.locator("breaking-ticker li").filter(has_text=f"Line {number} ")).to_have_count(1)
    newsroom.change("en", posted[3], Change.PIN, pinned_until=posted[3].created_at.replace(year=2099))
    newsroom.change("en", newsroom.log["en"][98].entry.line, Change.UPDATE, text="Longer than it was " * 6)
    newsroom.withdraw("en", newsroom.log["en"][96].entry.line, "wrong")
    newsroom.post_all("en", ["Line 100", "Line 101"])
    last = newsroom.post("en", "The last")
    expect(page.locator("breaking-ticker li").filter(has_text=last.text)).to_have_count(1)
    expect(page.locator("breaking-ticker li").filter(has_text="wrong")).to_have_count(1)
    assert shifts(page) == []


@pytest.mark.parametrize("path", ["/", "/en", "/ar?wall=1", "/es/embed", "/en?layout=strip", "/en?layout=crawl"])
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_shifts_when_the_element_takes_over_a_page(
    reader: Readers, newsroom: Newsroom, path: str, width: int
) -> None:
    fill(newsroom)
    page = reader(viewport={"width": width, "height": 800}).context.new_page()
    page.add_init_script(WATCH_SHIFTS)
    page.goto(newsroom.address + path)
    expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
    assert shifts(page) == []


def heap_bytes(session: CDPSession) -> int:
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    return used


def test_ten_thousand_lines_leave_the_heap_where_it_was(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    page = reader().open(
        host.put("/", host_page(newsroom.address, 'edition="en"', 'edition="en" layout="strip" announce="off"'))
    )
    is_live(page, 2)
    session = page.context.new_cdp_session(page)

    def post(first: int, count: int) -> None:
        for start in range(first, first + count, 500):
            newsroom.post_all("en", [f"Line {number} of very many" for number in range(start, start + 500)])
            wanted = str(newsroom.position("en"))
            until(page, lambda: page.evaluate(f"{ELEMENT}.position") == wanted, "the lines are there")  # noqa: B023

    post(0, 1000)  # until everything that is made once is there
    before = heap_bytes(session)
    post(1000, 10_000)
    after = heap_bytes(session)
    nodes = page.evaluate(f"{ELEMENT}.shadowRoot.querySelectorAll('li').length")
    sys.stdout.write(
        f"heap before {before / 1e6:.2f} MB, after 10,000 lines {after / 1e6:.2f} MB ({after / before - 1:+.1%})\n"
    )
    assert nodes <= 10
    assert abs(after / before - 1) < 0.1
