"""The element: which lines show, what becomes of them, and what a reader and a host can do with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Reader
from tests.support.browser_harness import Host, Newsroom
from tests.support.browser_pages import host_page, is_live, shows, texts, until
from tests.support.scripted_server import SocketGateway, line
from ticker.core.line import Change, Direction, Status

Readers = Callable[..., Reader]
ELEMENT = "document.querySelector('breaking-ticker')"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def page(reader: Readers, newsroom: Newsroom, host: Host) -> Page:
    return reader().context.new_page()


def open_ticker(page: Page, newsroom: Newsroom, host: Host, attributes: str = 'edition="en"', **parts: str) -> None:
    page.goto(host.put("/", host_page(newsroom.address, attributes, **parts)))
    is_live(page)


# What shows


def test_the_board_is_the_gateways(page: Page, newsroom: Newsroom, host: Host) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    lines = [newsroom.post("en", f"Line {number}") for number in range(6)]
    open_ticker(page, newsroom, host, 'edition="en" lines="4"')
    shows(page, "Line 5", "Line 4", "Line 3", "Line 2")
    newsroom.change("en", lines[2], Change.PIN, pinned_until=soon)
    shows(page, "Line 2", "Line 5", "Line 4", "Line 3")
    newsroom.post("en", "Line 6")
    shows(page, "Line 2", "Line 6", "Line 5", "Line 4")
    newsroom.change("en", lines[5], Change.UPDATE, text="Line 5 goes on")
    shows(page, "Line 2", "Line 6", "Updated Line 5 goes on", "Line 4")
    newsroom.change("en", lines[4], Change.CORRECT, text="Line four", correction="it said 4")
    shows(page, "Line 2", "Line 6", "Updated Line 5 goes on", "Correction Line fourit said 4")
    newsroom.change("en", lines[5].without_text(Status.WITHHELD), Change.HIDE, version=3)
    shows(page, "Line 2", "Line 6", "Correction Line fourit said 4", "Line 3")
    assert [each.text for each in newsroom.hub.channels["en"].board_lines(4)] == [
        "Line 2", "Line 6", "Line four", "Line 3",
    ]  # fmt: skip


def test_attribution_links_and_kinds_are_marked(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "The bridge is closed", attribution="Mayor", url="https://example.org/bridge", urgency=1)
    open_ticker(page, newsroom, host)
    shows(page, "Flash Mayor: The bridge is closed")
    item = page.locator("[part~=line]")
    expect(item).to_have_attribute("part", "line flash urgent")
    expect(item.locator("bdi[part=attribution]")).to_have_text("Mayor")
    expect(item.locator("a")).to_have_attribute("href", "https://example.org/bridge")
    expect(item.locator("a")).to_have_attribute("rel", "noopener")


def test_a_withdrawn_line_shows_its_notice_and_its_text_is_gone(page: Page, newsroom: Newsroom, host: Host) -> None:
    """From the document, the accessibility tree and the memory of the page."""
    secret = "zanzibarquux declares war"
    wrong = newsroom.post("en", secret)
    newsroom.post("en", "Another")
    page.goto(f"{newsroom.address}/en")  # rendered by the server: the text is in its markup too
    is_live(page)
    wrong = newsroom.change("en", wrong, Change.UPDATE, text=secret + " again")
    shows(page, "Another", f"Updated {secret} again")
    announcer = page.locator(".heard")
    expect(announcer).to_contain_text("zanzibarquux")
    newsroom.withdraw("en", wrong, "nobody said so")
    shows(page, "Another", "Withdrawn nobody said so")
    expect(announcer).not_to_contain_text("zanzibarquux")
    assert "zanzibarquux" not in page.evaluate(f"document.documentElement.outerHTML + {ELEMENT}.shadowRoot.innerHTML")
    assert "zanzibarquux" not in page.locator("breaking-ticker").aria_snapshot()
    # Out of sight on purpose: the test's own copies of the string must not be in the page's heap.
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    chunks: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    heap = "".join(chunks)
    assert "nobody said so" in heap
    assert "declares war" not in heap


def test_what_is_taken_back_goes_also_while_paused(page: Page, newsroom: Newsroom, host: Host) -> None:
    lines = newsroom.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, newsroom, host)
    page.get_by_role("button", name="Pause").click()
    newsroom.withdraw("en", lines[1], "wrong")
    shows(page, "Three", "Withdrawn wrong", "One")
    newsroom.change("en", lines[2].without_text(Status.WITHHELD), Change.HIDE)
    shows(page, "Withdrawn wrong", "One")


def test_an_earlier_version_of_a_withdrawn_line_shows_nothing_and_is_not_announced(
    page: Page, newsroom: Newsroom, host: Host
) -> None:
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" transport="socket"')))
    gateway.wait(1)
    gateway.board(line(1, "One"))
    gateway.line(2, "", status="canceled")
    shows(page, "Withdrawn ", "One")
    page.clock.install()
    page.clock.run_for(30_000)
    expect(page.locator(".heard")).to_be_empty()


def test_a_reset_swaps_the_board_without_a_flash(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post_all("en", [f"Old {number}" for number in range(6)])
    open_ticker(page, newsroom, host, 'edition="en" lines="5"')
    page.evaluate(f"""() => {{
      window.counts = [];
      const list = {ELEMENT}.shadowRoot.querySelector("ol");
      const note = () => {{ counts.push(list.children.length); requestAnimationFrame(note); }};
      note();
    }}""")
    newsroom.begin_again("en", [f"Fresh {number}" for number in range(6)])
    shows(page, *(f"Fresh {number}" for number in (5, 4, 3, 2, 1)))
    assert min(page.evaluate("counts")) == 5, "there was no frame without lines"


def test_lines_expire_and_pins_end_by_themselves(page: Page, newsroom: Newsroom, host: Host) -> None:
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" transport="socket"')))
    gateway.wait(1)
    gateway.board(
        line(1, "Pinned", pinned_until="2026-11-24T09:31:00Z"),
        line(3, "Stays"),
        line(2, "Expires", expires_at="2026-11-24T09:30:30Z"),
    )
    shows(page, "Pinned", "Stays", "Expires")
    page.clock.run_for(25_000)
    shows(page, "Pinned", "Stays", "Expires")
    page.clock.run_for(8_000)
    shows(page, "Pinned", "Stays")
    page.clock.run_for(35_000)
    shows(page, "Stays", "Pinned")


@pytest.mark.parametrize(
    ("created_at", "lang", "shown"),
    [
        ("2026-11-24T09:29:50Z", "en", "now"),
        ("2026-11-24T09:28:00Z", "en", "2 min"),
        ("2026-11-24T07:29:00Z", "en", "2 hr"),
        ("2026-11-23T20:00:00Z", "en", "Nov 23, 2026"),
        ("2026-11-24T09:28:00Z", "es", "2 min"),
        ("2026-11-23T20:00:00Z", "es", "23 nov 2026"),
        ("2026-11-24T09:29:50Z", "ar", "الآن"),
        ("2026-11-24T09:28:00Z", "ar-EG", "٢ د"),
        ("2026-11-24T09:31:00Z", "en", "now"),  # the reader's clock is late
        ("2026-11-24T09:28:00Z", "no language", "2 min"),
    ],
)
def test_a_line_has_its_age_in_its_own_language(
    page: Page, newsroom: Newsroom, host: Host, created: str, lang: str, shown: str
) -> None:
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" transport="socket"')))
    gateway.wait(1)
    gateway.board(line(1, "One", created_at=created, lang=lang))
    expect(page.locator("time")).to_have_text(shown)


def test_ages_are_in_the_readers_zone_and_go_on(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    page = reader(timezone_id="Asia/Tokyo").context.new_page()  # 18:30 there: nine hours on
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(
        host.put(
            "/",
            host_page(
                newsroom.address, 'edition="en" transport="socket"', 'edition="en" transport="socket" layout="strip"'
            ),
        )
    )
    gateway.wait(1)
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
    expect(ages).to_have_text(["1 min", "Nov 23, 2026"])
    assert page.evaluate("armed") <= 6, "one timer for all ages"
    page.clock.run_for(60_000 * 2)
    expect(ages).to_have_text(["3 min", "Nov 23, 2026"])


# Pausing


def test_pause_holds_by_keyboard_and_counts_what_is_new(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One")
    open_ticker(page, newsroom, host)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Paused")
    newsroom.post_all("en", ["Two", "Three", "Four"])
    expect(page.get_by_role("button", name="New: 3")).to_be_visible()
    shows(page, "One")
    newsroom.stop()
    newsroom.start()  # the pause outlives the connection
    is_live(page)
    newsroom.post("en", "Five")
    expect(page.get_by_role("button", name="New: 4")).to_be_visible()
    shows(page, "One")
    page.get_by_role("button", name="New: 4").click()
    shows(page, "Five", "Four", "Three", "Two", "One")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("status")).to_be_empty()


def test_hosts_can_pause_and_resume_and_ask(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One")
    open_ticker(page, newsroom, host)
    page.evaluate(f"{ELEMENT}.pause()")
    assert page.evaluate(f"[{ELEMENT}.paused, {ELEMENT}.hasAttribute('paused')]") == [True, True]
    newsroom.post("en", "Two")
    until(page, lambda: page.evaluate(f"{ELEMENT}.position") == str(newsroom.position("en")), "the position goes on")
    shows(page, "One")
    page.evaluate(f"{ELEMENT}.resume()")
    shows(page, "Two", "One")
    assert page.evaluate(f"{ELEMENT}.state") == "live"


def test_hosts_hear_of_lines_and_states(page: Page, newsroom: Newsroom, host: Host) -> None:
    listens = """<script>
      window.heard = [];
      for (const name of ["ticker:line", "ticker:state"])
        document.addEventListener(name, ({ target, detail: { state, line, live } }) =>
          heard.push([name, target.localName, state ?? line.text, live]));
    </script>"""
    open_ticker(page, newsroom, host, head=listens)
    newsroom.post("en", "One")
    shows(page, "One")
    assert page.evaluate("JSON.parse(JSON.stringify(heard))") == [
        ["ticker:state", "breaking-ticker", "connecting", None],
        ["ticker:state", "breaking-ticker", "live", None],
        ["ticker:line", "breaking-ticker", "One", True],
    ]


# Layouts


def test_a_strip_shows_one_line_and_steps_by_hand(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, newsroom, host, 'edition="en" layout="strip"')
    visible = page.locator("[part~=line]:visible [part=text]")
    expect(visible).to_have_text(["Three"])
    newsroom.post("en", "Four")
    expect(visible).to_have_text(["Four"])
    expect(page.locator("[part=count]")).to_have_text("1/4")
    page.get_by_role("button", name="Next").click()
    expect(visible).to_have_text(["Three"])
    newsroom.post("en", "Five")  # stepping by hand holds it
    expect(page.get_by_role("button", name="New: 1")).to_be_visible()
    expect(visible).to_have_text(["Three"])
    page.get_by_role("button", name="Previous").press("Enter")
    page.get_by_role("button", name="Previous").press("Enter")
    expect(visible).to_have_text(["One"])
    page.get_by_role("button", name="Resume").click()
    expect(visible).to_have_text(["Five"])


def test_a_strip_turns_by_itself_only_where_it_is_asked_to(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post_all("en", ["One", "Two", "Three"])
    for motion, interval, expected in (
        ("no-preference", "", "Three"),
        ("no-preference", "5", "Two"),
        ("reduce", "5", "Three"),
    ):
        page = reader(reduced_motion=motion).context.new_page()
        page.clock.install()
        page.goto(host.put("/", host_page(newsroom.address, f'edition="en" layout="strip" interval="{interval}"')))
        is_live(page)
        page.clock.run_for(6_000)
        visible = page.locator("[part~=line]:visible [part=text]")
        expect(visible).to_have_text([expected])
        if expected == "Two":
            page.get_by_role("button", name="Pause").click()
            page.clock.run_for(20_000)
            expect(visible).to_have_text(["Two"])


@pytest.mark.parametrize(("edition", "way"), [("en", -1), ("ar", 1)])
def test_a_crawl_moves_the_way_the_language_runs_and_stops_when_paused(
    page: Page, newsroom: Newsroom, host: Host, edition: str, way: int
) -> None:
    newsroom.post_all(edition, ["One line " * 6, "Two lines " * 6])
    open_ticker(page, newsroom, host, f'edition="{edition}" layout="crawl"')
    place = f"{ELEMENT}.shadowRoot.querySelector('ol').getBoundingClientRect().x"
    moves = (  # by 20 pixels that way, frame by frame; a jump back, as where it begins anew, begins the count anew
        f"() => {{ const moved = {way} * ({place} - (window.was ?? {place})); window.was = {place};"
        " window.run = moved < 0 ? 0 : (window.run ?? 0) + moved; return window.run > 20 }"
    )
    page.wait_for_function(moves)
    page.locator("[part=pause]").click()
    page.mouse.move(0, 0)
    held = page.evaluate(place)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(place) == held
    page.locator("[part=pause]").click()
    page.mouse.move(0, 0)
    page.evaluate("window.run = 0")
    page.wait_for_function(moves)


def test_what_comes_into_a_crawl_follows_what_is_in_sight(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post_all("en", ["One", "Two", "Three"])
    open_ticker(page, newsroom, host, 'edition="en" layout="crawl"')
    first = f"{ELEMENT}.shadowRoot.querySelector('li')"
    page.evaluate(f"{ELEMENT}.shadowRoot.getAnimations()[0].currentTime = 6000")
    newsroom.post("en", "Breaking")
    before = page.evaluate(f"{first}.getBoundingClientRect().x")
    expect(texts(page)).to_have_text(["Three", "Two", "One", "Breaking"])
    assert before - page.evaluate(f"{first}.getBoundingClientRect().x") < 200, "what is read stays where it is"


def test_a_crawl_stands_still_for_readers_who_want_less_motion(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post_all("en", ["One", "Two"])
    page = reader(reduced_motion="reduce").context.new_page()
    open_ticker(page, newsroom, host, 'edition="en" layout="crawl"')
    expect(page.locator("[part~=line]:visible [part=text]")).to_have_text(["Two"])
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    assert page.evaluate(f"{ELEMENT}.shadowRoot.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(f"{ELEMENT}.shadowRoot.getAnimations().length === 1")


# Languages


def test_mixed_directions_stand_right(page: Page, newsroom: Newsroom, host: Host) -> None:
    """Each line in its own language and direction; an attribution can't turn what follows it."""
    newsroom.post("ar", "Apple تعلن عن 3 هواتف", attribution="Reuters")
    newsroom.post("ar", "Oil at $80 (up 2%)", lang="en", dir=Direction.LTR, attribution="أرامكو")
    open_ticker(page, newsroom, host, 'edition="ar"')
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
    ('edition="es" lang="en-GB"', "Pause"),
    ('edition="en" words=\'{"pause": "Pauză"}\'', "Pauză"), ('edition="en" words="nonsense"', "Pause"),
])  # fmt: skip
def test_interface_words(page: Page, newsroom: Newsroom, host: Host, attributes: str, word: str) -> None:
    open_ticker(page, newsroom, host, attributes)
    expect(page.locator("[part=pause]")).to_have_text(word)


def test_what_stands_inside_shows_until_there_are_lines(page: Page, newsroom: Newsroom, host: Host) -> None:
    gateway = SocketGateway(page)
    page.goto(
        host.put(
            "/",
            host_page(newsroom.address, 'edition="en" transport="socket"').replace(
                "></breaking", "><a href=/news>News</a></breaking"
            ),
        )
    )
    gateway.wait(1)
    expect(page.get_by_role("link", name="News")).to_be_visible()
    gateway.board(line(1, "One"))
    expect(page.get_by_role("link", name="News")).to_be_hidden()
    shows(page, "One")


def test_an_empty_board_says_so(page: Page, newsroom: Newsroom, host: Host) -> None:
    open_ticker(page, newsroom, host, 'edition="es"')
    expect(page.get_by_text("Aún no hay noticias")).to_be_visible()
    newsroom.post("es", "Una")
    expect(page.get_by_text("Aún no hay noticias")).to_be_hidden()


def test_a_module_loaded_twice_does_no_harm(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One")
    again = f'<script type="module" src="{newsroom.address}/widget/ticker.js?again"></script>'
    open_ticker(page, newsroom, host, after=again)
    shows(page, "One")
