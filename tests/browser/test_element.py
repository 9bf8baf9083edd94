"""The element: which lines it shows, and what the page around it can do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import (
    ELEMENT,
    announced,
    expect_lines,
    expect_live,
    host_page,
    open_ticker,
    watch_announcements,
)
from tests.support.scripted_server import SocketGateway, line
from ticker.core.line import VERSION_LAST, Change, Status


def test_element_shows_the_same_board_as_the_gateway(page: Page, harness: BrowserHarness, host: Host) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    lines = [harness.post("en", f"Line {number}") for number in range(6)]
    open_ticker(page, harness, host, 'edition="en" lines="4"')
    expect_lines(page, "Line 5", "Line 4", "Line 3", "Line 2")
    harness.change("en", lines[2], Change.PIN, pinned_until=soon)
    expect_lines(page, "Line 2", "Line 5", "Line 4", "Line 3")
    harness.post("en", "Line 6")
    expect_lines(page, "Line 2", "Line 6", "Line 5", "Line 4")
    harness.change("en", lines[5], Change.UPDATE, text="Line 5 goes on")
    expect_lines(page, "Line 2", "Line 6", "Updated Line 5 goes on", "Line 4")
    harness.change("en", lines[4], Change.CORRECT, text="Line four", correction="it said 4")
    expect_lines(page, "Line 2", "Line 6", "Updated Line 5 goes on", "Correction Line four it said 4")
    harness.change("en", lines[5].without_text(Status.WITHHELD), Change.HIDE, version=3)
    expect_lines(page, "Line 2", "Line 6", "Correction Line four it said 4", "Line 3")
    assert [each.text for each in harness.hub.channels["en"].board_lines(4)] == [
        "Line 2", "Line 6", "Line four", "Line 3",
    ]  # fmt: skip


def test_attribution_link_and_kind_have_their_own_parts(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "The bridge is closed", attribution="Mayor", url="https://example.org/bridge", urgency=1)
    open_ticker(page, harness, host)
    expect_lines(page, "Flash Mayor: The bridge is closed")
    item = page.locator("[part~=line]")
    expect(item).to_have_attribute("part", "line flash")
    expect(item.locator("bdi[part=attribution]")).to_have_text("Mayor")
    expect(item.locator("a")).to_have_attribute("href", "https://example.org/bridge")
    expect(item.locator("a")).to_have_attribute("rel", "noopener")


def test_withdrawn_line_shows_its_notice_and_its_text_is_gone(page: Page, harness: BrowserHarness, host: Host) -> None:
    """The text is gone from the document, the accessibility tree and the memory of the page."""
    secret = "zanzibarquux declares war"
    wrong = harness.post("en", secret)
    harness.post("en", "Another")
    page.goto(f"{harness.address}/en")  # rendered by the server, so the text is in its markup too
    expect_live(page)
    wrong = harness.change("en", wrong, Change.UPDATE, text=secret + " again")
    expect_lines(page, "Another", f"Updated {secret} again")
    announcer = page.locator(".announcer")
    expect(announcer).to_contain_text("zanzibarquux")
    harness.withdraw("en", wrong, "nobody said so")
    expect_lines(page, "Another", "Withdrawn nobody said so")
    # At once: a wait would also end when the announcement is over.
    assert "zanzibarquux" not in (announcer.text_content() or "")
    assert "zanzibarquux" not in page.evaluate(f"document.documentElement.outerHTML + {ELEMENT}.shadowRoot.innerHTML")
    assert "zanzibarquux" not in page.locator("breaking-ticker").aria_snapshot()
    # No script of this test contains "declares war", so a copy in the page's heap can only come from the line.
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    chunks: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    heap = "".join(chunks)
    assert "nobody said so" in heap
    assert "declares war" not in heap


@pytest.mark.parametrize("paused", [False, True])
def test_forgotten_line_disappears(page: Page, harness: BrowserHarness, host: Host, *, paused: bool) -> None:
    lines = harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host)
    if paused:
        page.get_by_role("button", name="Pause").click()
    new = harness.forget("en", lines[1])
    expect_lines(page, *([] if paused else [new.text]), "Three", "One")


@pytest.mark.usefixtures("controlled_clock")
def test_withdrawal_of_a_forgotten_line_leaves_no_notice(page: Page, harness: BrowserHarness, host: Host) -> None:
    lines = harness.post_all("en", ["One", "Two"])
    open_ticker(page, harness, host)
    watch_announcements(page)
    now = datetime.now(UTC)
    gone = lines[0].without_text(Status.CANCELED)
    harness.change("en", gone, Change.WITHDRAW, version=VERSION_LAST, number=9, correction="wrong", expires_at=now)
    expect_lines(page, "Two")
    page.clock.run_for(3_000)
    assert announced(page) == []


def test_reset_replaces_the_board_without_an_empty_frame(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", [f"Old {number}" for number in range(6)])
    open_ticker(page, harness, host, 'edition="en" lines="5"')
    page.evaluate(f"""() => {{
      window.counts = [];
      const list = {ELEMENT}.shadowRoot.querySelector("ol");
      const note = () => {{ counts.push(list.children.length); requestAnimationFrame(note); }};
      note();
    }}""")
    harness.start_new_history("en", [f"Fresh {number}" for number in range(6)])
    expect_lines(page, *(f"Fresh {number}" for number in (5, 4, 3, 2, 1)))
    assert min(page.evaluate("counts")) == 5, "there was no frame without lines"


def test_page_gets_events_for_lines_and_states(page: Page, harness: BrowserHarness, host: Host) -> None:
    listens = """<script>
      window.received = [];
      for (const name of ["ticker:line", "ticker:state"])
        document.addEventListener(name, ({ target, detail: { state, line, live } }) =>
          received.push([name, target.localName, state ?? line.text, live]));
    </script>"""
    open_ticker(page, harness, host, head=listens)
    harness.post("en", "One")
    expect_lines(page, "One")
    assert page.evaluate("JSON.parse(JSON.stringify(received))") == [
        ["ticker:state", "breaking-ticker", "connecting", None],
        ["ticker:state", "breaking-ticker", "live", None],
        ["ticker:line", "breaking-ticker", "One", True],
    ]


def test_content_of_the_element_is_shown_until_there_are_lines(page: Page, harness: BrowserHarness, host: Host) -> None:
    gateway = SocketGateway(page)
    page.goto(
        host.put(
            "/",
            host_page(harness.address, 'edition="en" transport="socket"').replace(
                "></breaking", "><a href=/news>News</a></breaking"
            ),
        )
    )
    gateway.wait_for_connections(1)
    expect(page.get_by_role("link", name="News")).to_be_visible()
    gateway.board(line(1, "One"))
    expect(page.get_by_role("link", name="News")).to_be_hidden()
    expect_lines(page, "One")


def test_empty_board_shows_a_message(page: Page, harness: BrowserHarness, host: Host) -> None:
    open_ticker(page, harness, host, 'edition="es"')
    expect(page.get_by_text("Aún no hay noticias")).to_be_visible()
    harness.post("es", "Una")
    expect(page.get_by_text("Aún no hay noticias")).to_be_hidden()


def test_module_can_be_loaded_twice(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    again = f'<script type="module" src="{harness.address}/widget/ticker.js?again"></script>'
    open_ticker(page, harness, host, after=again)
    expect_lines(page, "One")
