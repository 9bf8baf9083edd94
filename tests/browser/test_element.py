"""The element: which lines it shows, and what a reader and the page around it can do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, expect_live, host_page, texts, until
from tests.support.browser_reader import Readers
from tests.support.scripted_server import EDITION, SocketGateway, line, position
from ticker.core.line import VERSION_LAST, Change, Direction, Status

ELEMENT = "document.querySelector('breaking-ticker')"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def page(reader: Readers, harness: BrowserHarness, host: Host) -> Page:
    return reader().context.new_page()


def open_ticker(
    page: Page, harness: BrowserHarness, host: Host, attributes: str = 'edition="en"', **parts: str
) -> None:
    page.goto(host.put("/", host_page(harness.address, attributes, **parts)))
    expect_live(page)


# The board


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
    expect(announcer).not_to_contain_text("zanzibarquux")
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


def test_withdrawn_and_hidden_lines_disappear_while_paused(page: Page, harness: BrowserHarness, host: Host) -> None:
    lines = harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host)
    page.get_by_role("button", name="Pause").click()
    harness.withdraw("en", lines[1], "wrong")
    expect_lines(page, "Three", "Withdrawn wrong", "One")
    harness.change("en", lines[2].without_text(Status.WITHHELD), Change.HIDE)
    expect_lines(page, "Withdrawn wrong", "One")


def test_paused_element_that_returns_to_the_page_shows_no_line_that_was_withdrawn_meanwhile(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    lines = harness.post_all("en", ["One", "Two"])
    page.goto(host.put("/", host_page(harness.address, 'edition="en"', 'edition="en" paused')))
    expect_live(page, 2)
    first, second = page.locator("breaking-ticker").all()
    expect(second.locator("[part=text]")).to_have_text(["Two", "One"])
    handle = second.element_handle()
    handle.evaluate("element => element.remove()")
    harness.withdraw("en", lines[0], "wrong")
    harness.forget("en", lines[1])
    shown = ["With this line, another one is forgotten", "Withdrawn wrong"]
    expect(first.locator("[part=text]")).to_have_text(shown)
    handle.evaluate("element => document.body.append(element)")
    expect(second.locator("[part=text]")).to_have_text(shown)


@pytest.mark.parametrize("paused", [False, True])
def test_forgotten_line_disappears(page: Page, harness: BrowserHarness, host: Host, *, paused: bool) -> None:
    lines = harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host)
    if paused:
        page.get_by_role("button", name="Pause").click()
    new = harness.forget("en", lines[1])
    expect_lines(page, *([] if paused else [new.text]), "Three", "One")


def test_board_has_as_many_notices_as_the_edition_allows_and_each_leaves_at_its_end(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    page.clock.install(time=datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    gateway.send(
        "board", position=position(9), reset=None, edition=EDITION | {"notices": 1},
        lines=[line(number, f"Text {number}") for number in (3, 2, 1)],
    )  # fmt: skip
    gateway.send("live", position=position(9), replayed=0)
    expect_lines(page, "Text 3", "Text 2", "Text 1")
    for number in (1, 3):
        withdrawn = line(
            number, "", version=2, change="withdraw", status="canceled", correction=f"wrong {number}",
            updated_at="2026-11-24T09:30:00Z", expires_at="2026-11-24T10:30:00Z",
        )  # fmt: skip
        gateway.send("line", position=position(9 + number), line=withdrawn)
    expect_lines(page, "Withdrawn wrong 3", "Text 2")
    page.clock.fast_forward(3_600_000)
    expect_lines(page, "Text 2")


def test_withdrawal_of_a_forgotten_line_leaves_no_notice(page: Page, harness: BrowserHarness, host: Host) -> None:
    lines = harness.post_all("en", ["One", "Two"])
    open_ticker(page, harness, host)
    now = datetime.now(UTC)
    gone = lines[0].without_text(Status.CANCELED)
    harness.change("en", gone, Change.WITHDRAW, version=VERSION_LAST, number=9, correction="wrong", expires_at=now)
    expect_lines(page, "Two")
    expect(page.locator(".announcer")).to_be_empty()


def test_withdrawn_line_without_a_reason_is_not_announced(page: Page, harness: BrowserHarness, host: Host) -> None:
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    gateway.board(line(1, "One"))
    gateway.line(2, "", status="canceled")
    expect_lines(page, "Withdrawn ", "One")
    page.clock.install()
    page.clock.run_for(30_000)
    expect(page.locator(".announcer")).to_be_empty()


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


def test_lines_expire_and_pins_end_without_a_message(page: Page, harness: BrowserHarness, host: Host) -> None:
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    gateway.board(
        line(1, "Pinned", pinned_until="2026-11-24T09:31:00Z"),
        line(3, "Stays"),
        line(2, "Expires", expires_at="2026-11-24T09:30:30Z"),
    )
    expect_lines(page, "Pinned", "Stays", "Expires")
    page.clock.run_for(25_000)
    expect_lines(page, "Pinned", "Stays", "Expires")
    page.clock.run_for(8_000)
    expect_lines(page, "Pinned", "Stays")
    page.clock.run_for(35_000)
    expect_lines(page, "Stays", "Pinned")


@pytest.mark.parametrize("ahead_h", [-5, 5])
def test_lines_expire_and_pins_end_by_the_clock_of_the_server(
    page: Page, harness: BrowserHarness, host: Host, ahead_h: int
) -> None:
    """The reader's clock is hours ahead or behind."""
    page.clock.install(time=NOW + timedelta(hours=ahead_h))
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    lines = [
        line(1, "Pinned", pinned_until="2026-11-24T09:31:00Z"),
        line(3, "Stays"),
        line(2, "Expires", expires_at="2026-11-24T09:30:30Z"),
    ]
    gateway.send("board", position=position(1), reset=None, edition=EDITION, lines=lines)
    gateway.send("live", position=position(1), replayed=0, now="2026-11-24T09:30:00Z")
    expect_lines(page, "Pinned", "Stays", "Expires")
    page.clock.run_for(25_000)
    expect_lines(page, "Pinned", "Stays", "Expires")
    page.clock.run_for(8_000)
    expect_lines(page, "Pinned", "Stays")
    page.clock.run_for(35_000)
    expect_lines(page, "Stays", "Pinned")


@pytest.mark.parametrize(
    ("created_at", "lang", "shown"),
    [
        ("2026-11-24T09:29:50Z", "en", "now"),
        ("2026-11-24T09:28:00Z", "en", "2 min. ago"),
        ("2026-11-24T07:29:00Z", "en", "2 hr. ago"),
        ("2026-11-23T20:00:00Z", "en", "Nov 23, 2026"),
        ("2026-11-24T09:28:00Z", "es", "hace 2 min"),
        ("2026-11-23T20:00:00Z", "es", "23 nov 2026"),
        ("2026-11-24T09:29:50Z", "ar", "الآن"),
        ("2026-11-24T09:28:00Z", "ar-EG", "قبل دقيقتين"),
        ("2026-11-24T09:31:00Z", "en", "now"),  # the reader's clock is behind
        ("2026-11-24T09:28:00Z", "no language", "2 min. ago"),
    ],
)
def test_line_shows_its_age_in_its_own_language(
    page: Page, harness: BrowserHarness, host: Host, created_at: str, lang: str, shown: str
) -> None:
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    gateway.board(line(1, "One", created_at=created_at, lang=lang))
    expect(page.locator("time")).to_have_text(shown)


def test_ages_use_the_readers_time_zone_and_are_updated_with_one_timer(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    page = reader(timezone_id="Asia/Tokyo").context.new_page()  # nine hours ahead: 18:30 there
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(
        host.put(
            "/",
            host_page(
                harness.address, 'edition="en" transport="socket"', 'edition="en" transport="socket" layout="strip"'
            ),
        )
    )
    gateway.wait_for_connections(1)
    gateway.board(
        line(2, "Two", created_at="2026-11-24T09:29:30Z"), line(1, "Yesterday there", created_at="2026-11-23T14:59:00Z")
    )
    ages = page.locator("breaking-ticker").first.locator("time")
    expect(ages).to_have_text(["now", "Nov 23, 2026"])
    timers = page.evaluate(
        "(armed = 0, real = setTimeout, setTimeout = (act, after) => (armed++, real(act, after)), armed)"
    )
    assert timers == 0
    page.clock.run_for(60_000)
    expect(ages).to_have_text(["1 min. ago", "Nov 23, 2026"])
    assert page.evaluate("armed") <= 6, "one timer for all ages"
    page.clock.run_for(60_000 * 2)
    expect(ages).to_have_text(["3 min. ago", "Nov 23, 2026"])


# Pausing


def test_pause_keeps_the_lines_and_counts_new_ones_across_a_reconnect(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    harness.post("en", "One")
    open_ticker(page, harness, host)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Paused")
    harness.post_all("en", ["Two", "Three", "Four"])
    expect(page.get_by_role("button", name="New: 3")).to_be_visible()
    expect_lines(page, "One")
    harness.stop()
    harness.start()  # the pause continues with the next connection
    expect_live(page)
    harness.post("en", "Five")
    expect(page.get_by_role("button", name="New: 4")).to_be_visible()
    expect_lines(page, "One")
    page.get_by_role("button", name="New: 4").click()
    expect_lines(page, "Five", "Four", "Three", "Two", "One")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("status")).to_be_empty()


def test_page_can_pause_resume_and_read_state_and_position(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    open_ticker(page, harness, host)
    page.evaluate(f"{ELEMENT}.pause()")
    assert page.evaluate(f"[{ELEMENT}.paused, {ELEMENT}.hasAttribute('paused')]") == [True, True]
    harness.post("en", "Two")
    until(page, lambda: page.evaluate(f"{ELEMENT}.position") == str(harness.position("en")), "the position goes on")
    expect_lines(page, "One")
    page.evaluate(f"{ELEMENT}.resume()")
    expect_lines(page, "Two", "One")
    assert page.evaluate(f"{ELEMENT}.state") == "live"


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


# Layouts


def test_strip_shows_one_line_and_pauses_when_the_reader_steps(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host, 'edition="en" layout="strip"')
    visible = page.locator("[part~=line]:visible [part=text]")
    expect(visible).to_have_text(["Three"])
    harness.post("en", "Four")
    expect(visible).to_have_text(["Four"])
    expect(page.locator("[part=count]")).to_have_text("1/4")
    page.get_by_role("button", name="Next").click()
    expect(visible).to_have_text(["Three"])
    harness.post("en", "Five")  # stepping by hand has paused the strip
    expect(page.get_by_role("button", name="New: 1")).to_be_visible()
    expect(visible).to_have_text(["Three"])
    page.get_by_role("button", name="Previous").press("Enter")
    page.get_by_role("button", name="Previous").press("Enter")
    expect(visible).to_have_text(["One"])
    page.get_by_role("button", name="Resume").click()
    expect(visible).to_have_text(["Five"])


def test_strip_rotates_only_with_an_interval_and_without_reduced_motion(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post_all("en", ["One", "Two", "Three"])
    for motion, interval, expected in (
        ("no-preference", "", "Three"),
        ("no-preference", "5", "Two"),
        ("reduce", "5", "Three"),
    ):
        page = reader(reduced_motion=motion).context.new_page()
        page.clock.install()
        page.goto(host.put("/", host_page(harness.address, f'edition="en" layout="strip" interval="{interval}"')))
        expect_live(page)
        page.clock.run_for(6_000)
        visible = page.locator("[part~=line]:visible [part=text]")
        expect(visible).to_have_text([expected])
        if expected == "Two":
            page.get_by_role("button", name="Pause").click()
            page.clock.run_for(20_000)
            expect(visible).to_have_text(["Two"])


@pytest.mark.parametrize(("edition", "way"), [("en", -1), ("ar", 1)])
def test_crawl_moves_in_reading_direction_and_stops_while_paused(
    page: Page, harness: BrowserHarness, host: Host, edition: str, way: int
) -> None:
    harness.post_all(edition, ["One line " * 6, "Two lines " * 6])
    open_ticker(page, harness, host, f'edition="{edition}" layout="crawl"')
    place = f"{ELEMENT}.shadowRoot.querySelector('ol').getBoundingClientRect().x"
    # By 20 pixels in this direction, added up frame by frame. A jump back, when the crawl starts again, resets the sum.
    moves = (
        f"() => {{ const moved = {way} * ({place} - (window.was ?? {place})); window.was = {place};"
        " window.run = moved < 0 ? 0 : (window.run ?? 0) + moved; return window.run > 20 }"
    )
    page.wait_for_function(moves)
    page.locator("[part~=pause]").click()
    page.mouse.move(0, 0)
    held = page.evaluate(place)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(place) == held
    page.locator("[part~=pause]").click()
    page.mouse.move(0, 0)
    page.evaluate("window.run = 0")
    page.wait_for_function(moves)


def test_new_line_in_a_crawl_follows_the_lines_in_sight(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, harness, host, 'edition="en" layout="crawl"')
    first = f"{ELEMENT}.shadowRoot.querySelector('li')"
    page.locator("[part=view]").hover()  # that holds the crawl
    before = page.evaluate(f"{first}.getBoundingClientRect().x")
    harness.post("en", "Breaking")
    expect(texts(page)).to_have_text(["Three", "Two", "One", "Breaking"])
    assert abs(page.evaluate(f"{first}.getBoundingClientRect().x") - before) < 1, "what is read stays where it is"


def test_crawl_becomes_a_strip_with_reduced_motion(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    harness.post_all("en", ["One", "Two"])
    page = reader(reduced_motion="reduce").context.new_page()
    open_ticker(page, harness, host, 'edition="en" layout="crawl"')
    expect(page.locator("[part~=line]:visible [part=text]")).to_have_text(["Two"])
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    assert page.evaluate(f"{ELEMENT}.shadowRoot.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(f"{ELEMENT}.shadowRoot.getAnimations().length === 1")


# Languages


def test_lines_of_both_directions_are_laid_out_correctly(page: Page, harness: BrowserHarness, host: Host) -> None:
    """Each line has its own direction, and an attribution doesn't change the direction of the text after it."""
    harness.post("ar", "Apple تعلن عن 3 هواتف", attribution="Reuters")
    harness.post("ar", "Oil at $80 (up 2%)", lang="en", dir=Direction.LTR, attribution="أرامكو")
    open_ticker(page, harness, host, 'edition="ar"')
    root = page.locator("[part=ticker]")
    expect(root).to_have_attribute("dir", "rtl")
    expect(root).to_have_attribute("lang", "ar")
    items = page.locator("[part~=line]")
    assert [(each.get_attribute("lang"), each.get_attribute("dir")) for each in items.all()] == [
        ("en", "ltr"),
        ("ar", "rtl"),
    ]
    edges = """item => {
      const walk = document.createTreeWalker(item.querySelector("[part=text]"), NodeFilter.SHOW_TEXT);
      const range = document.createRange(), found = {};
      for (let node; (node = walk.nextNode()); ) {
        range.selectNodeContents(node);
        found[node.data.trim()] = range.getBoundingClientRect().x;
      }
      return found;
    }"""
    english, arabic = (each.evaluate(edges) for each in items.all())
    assert english["أرامكو"] < english[": Oil at $80 (up 2%)"], "the attribution is on the left, where the line begins"
    assert arabic["Reuters"] > arabic[": Apple تعلن عن 3 هواتف"], "and on the right here"


@pytest.mark.parametrize(("attributes", "word"), [
    ('edition="en"', "Pause"), ('edition="ar"', "إيقاف"), ('edition="es"', "Pausar"),
    ('edition="es" lang="en-GB"', "Pause"), ('edition="es" lang="fr"', "Pause"), ('edition="en" lang="es"', "Pausar"),
    ('edition="en" words=\'{"pause": "Pauză"}\'', "Pauză"), ('edition="en" words="nonsense"', "Pause"),
])  # fmt: skip
def test_interface_words_follow_edition_lang_and_words(
    page: Page, harness: BrowserHarness, host: Host, attributes: str, word: str
) -> None:
    open_ticker(page, harness, host, attributes)
    expect(page.locator("[part~=pause]")).to_have_accessible_name(word)


@pytest.mark.parametrize(("page_lang", "attributes", "word"), [
    ("en", 'edition="en"', "Not available"), ("en", 'edition="es"', "No disponible"),
    ("en", 'edition="ar"', "غير متاح"), ("es-MX", 'edition="ours"', "No disponible"),
    ("ar", 'edition="ours"', "غير متاح"), ("ar", 'edition="ours" lang="es"', "No disponible"),
    ("fr", 'edition="ours"', "Not available"), ("es", 'edition="ours" words=\'{"stopped": "Cerrado"}\'', "Cerrado"),
])  # fmt: skip
def test_reader_who_cannot_connect_at_all_has_the_words_of_the_language(
    page: Page, harness: BrowserHarness, host: Host, page_lang: str, attributes: str, word: str
) -> None:
    """The other words come with the first board. It has the edition's language, too."""
    page.route("**/v1/**", lambda route: route.fulfill(status=404, headers={"Access-Control-Allow-Origin": "*"}))
    page.goto(host.put("/", host_page(harness.address, attributes).replace('lang="en"', f'lang="{page_lang}"')))
    expect(page.get_by_role("status")).to_have_text(word)


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
