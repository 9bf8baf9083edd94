"""The properties of the element: each reflects an attribute, even if it is set before the element is defined."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, expect_live, host_page, record, texts
from tests.support.browser_reader import Readers
from tests.support.scripted_server import SocketGateway, line
from ticker.core.line import Change

ELEMENT = "document.querySelector('breaking-ticker')"
SHOWN_FONT = f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('[part~=text]')).fontFamily"

REFLECTED: list[tuple[str, Any, str]] = [
    ("edition", "en", "en"),
    ("lines", 3, "3"),
    ("section", "politics sports", "politics sports"),
    ("region", "europe", "europe"),
    ("urgency", 2, "2"),
    ("layout", "strip", "strip"),
    ("interval", 5, "5"),
    ("server", "https://ticker.example", "https://ticker.example"),
    ("lang", "es", "es"),
    ("words", {"pause": "Pauză"}, '{"pause":"Pauză"}'),
    ("label", "News", "News"),
    ("paused", True, ""),
    ("transport", "socket", "socket"),
    ("announce", "off", "off"),
    ("href", "https://news.example/", "https://news.example/"),
]
"""For each attribute: a value of its property, and the same value in the attribute."""

DEFAULTS = {
    "edition": "", "lines": 10, "section": "", "region": "", "urgency": 9, "layout": "list", "interval": 0,
    "server": "", "lang": "", "words": {}, "label": "", "paused": False, "transport": "", "announce": "on", "href": "",
}  # fmt: skip
INVALID = {"lines": "1000", "urgency": "0", "layout": "tower", "interval": "1", "words": "[", "transport": "post"}

READ_ALL = "element => Object.fromEntries(NAMES.map(name => [name, element[name]]))".replace(
    "NAMES", str([name for name, *_ in REFLECTED])
)


def open_page(page: Page, harness: BrowserHarness, host: Host, *tickers: str, **parts: str) -> None:
    page.goto(host.put("/", host_page(harness.address, *tickers, **parts)))
    page.wait_for_function("!!customElements.get('breaking-ticker')")


def test_each_property_reflects_its_attribute_and_its_default(page: Page, harness: BrowserHarness, host: Host) -> None:
    open_page(page, harness, host)
    element = page.evaluate_handle("document.createElement('breaking-ticker')")
    assert element.evaluate(READ_ALL) == DEFAULTS
    for name, value, text in REFLECTED:
        element.evaluate("(element, [name, value]) => (element[name] = value)", [name, value])
        assert element.evaluate("(element, name) => element.getAttribute(name)", name) == text
    assert element.evaluate(READ_ALL) == {name: value for name, value, _ in REFLECTED}
    element.evaluate("element => element.getAttributeNames().forEach(name => element.removeAttribute(name))")
    assert element.evaluate(READ_ALL) == DEFAULTS
    for name, value, text in REFLECTED:
        element.evaluate("(element, [name, text]) => element.setAttribute(name, text)", [name, text])
        assert element.evaluate("(element, name) => element[name]", name) == value
    for name, text in INVALID.items():
        element.evaluate("(element, [name, text]) => element.setAttribute(name, text)", [name, text])
        assert element.evaluate("(element, name) => element[name]", name) == DEFAULTS[name]


def test_null_and_undefined_remove_an_attribute(page: Page, harness: BrowserHarness, host: Host) -> None:
    open_page(page, harness, host)
    left = page.evaluate(
        """names => [null, undefined].map(nothing => {
          const element = document.createElement("breaking-ticker");
          for (const name of names) element.setAttribute(name, "1");
          for (const name of names) element[name] = nothing;
          return element.getAttributeNames();
        })""",
        [name for name, *_ in REFLECTED if name != "lang"],  # the browser's own property
    )
    assert left == [[], []]


def test_properties_that_are_set_before_the_element_is_defined_apply(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    """As a framework does whose code runs before the module is loaded."""
    harness.post_all("en", ["One", "Two", "Three"])
    page.goto(host.put("/", "<!doctype html><title>Host</title><link rel=icon href=data:,><main></main>"))
    properties = {"edition": "en", "lines": 2, "words": {"resume": "Go on"}, "paused": True, "layout": "list"}
    page.evaluate(
        """properties => {
          const element = Object.assign(document.createElement("breaking-ticker"), properties);
          document.querySelector("main").append(element);
        }""",
        properties,
    )
    page.add_script_tag(url=f"{harness.address}/widget/ticker.js", type="module")
    expect_lines(page, "Three", "Two")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    assert page.evaluate(f"Object.keys({ELEMENT})") == []
    page.evaluate(f"{ELEMENT}.paused = false")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_paused_set_to_false_means_not_paused(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("en", "One")
    open_page(page, harness, host, 'edition="en" paused')
    expect_lines(page, "One")
    page.evaluate(f"{ELEMENT}.paused = false")
    harness.post("en", "Two")
    expect_lines(page, "Two", "One")
    page.evaluate(f"{ELEMENT}.paused = true")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_paused_with_the_word_false_means_not_paused(page: Page, harness: BrowserHarness, host: Host) -> None:
    """Vue and Svelte write the word into the attribute: on a server, and before the element is defined."""
    harness.post("en", "One")
    open_page(page, harness, host, 'edition="en" paused="false"')
    expect_lines(page, "One")
    assert page.evaluate(f"{ELEMENT}.paused") is False
    harness.post("en", "Two")
    expect_lines(page, "Two", "One")


def test_page_is_told_when_a_reader_pauses_and_resumes(page: Page, harness: BrowserHarness, host: Host) -> None:
    """A framework that controls `paused` needs the event. Without it, its state would differ from the page's."""
    listen = """<script>
      window.told = [];
      addEventListener("ticker:paused", ({ target, detail }) => told.push([detail.paused, target.paused]));
    </script>"""
    open_page(page, harness, host, 'edition="en"', head=listen)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.evaluate(f"{ELEMENT}.setAttribute('paused', '')")
    page.evaluate(f"{ELEMENT}.setAttribute('paused', 'paused')")  # another value of the same state
    page.evaluate(f"{ELEMENT}.setAttribute('paused', 'false')")
    assert page.evaluate("told") == [[True, True], [False, False], [True, True], [False, False]]


def test_words_may_be_an_object_and_stay_one(page: Page, harness: BrowserHarness, host: Host) -> None:
    open_page(page, harness, host, 'edition="en"')
    page.evaluate(f"{ELEMENT}.words = {{ pause: 'Pauză' }}")
    expect(page.get_by_role("button", name="Pauză")).to_be_visible()
    assert page.evaluate(f"{ELEMENT}.words") == {"pause": "Pauză"}
    page.evaluate(f'{ELEMENT}.words = \'{{"pause": "Stop"}}\'')
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def test_layout_returns_what_was_set_even_if_the_reader_prefers_reduced_motion(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    page = reader(reduced_motion="reduce").context.new_page()
    open_page(page, harness, host, 'edition="en" layout="crawl"')
    expect(page.locator("[part=ticker].strip")).to_be_visible()
    assert page.evaluate(f"{ELEMENT}.layout") == "crawl"


def test_properties_that_are_set_together_open_one_connection(page: Page, harness: BrowserHarness, host: Host) -> None:
    harness.post("ar", "واحد", section="politics")
    record(page)
    open_page(page, harness, host, 'edition="en"')
    expect_live(page)
    page.evaluate(f"Object.assign({ELEMENT}, {{ edition: 'ar', section: 'politics', urgency: 4, lines: 5 }})")
    expect_lines(page, "واحد")
    assert [url.partition("?")[2] for url in page.evaluate("connections")] == [
        "lines=10",
        "lines=5&section=politics&urgency=4",
    ]


def test_missing_server_is_an_error_in_the_console(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    profile = reader()
    profile.expected = ("breaking-ticker: ",)
    page = profile.context.new_page()
    with page.expect_console_message(lambda message: message.type == "error") as logged:
        open_page(page, harness, host, 'edition="en" server="https://"')
    assert logged.value.text == (
        'breaking-ticker: set "server" to the address of the ticker\'s server, not to "https://"'
    )
    assert page.evaluate(f"{ELEMENT}.state") == "idle"


# The board


def test_page_can_read_the_lines_and_is_told_when_others_show(page: Page, harness: BrowserHarness, host: Host) -> None:
    """The first board fires the event, too."""
    first = harness.post_all("en", ["One", "Two"])[0]
    listen = """<script>
      window.boards = [];
      const show = board => board.map(line => line.text || line.correction);
      addEventListener("ticker:board", ({ target, detail: { board } }) =>
        boards.push([show(board), board === target.board]));
    </script>"""
    open_page(page, harness, host, 'edition="en"', head=listen)
    expect_lines(page, "Two", "One")
    assert page.evaluate(f"show({ELEMENT}.board)") == ["Two", "One"]
    harness.post("en", "Three")
    expect_lines(page, "Three", "Two", "One")
    page.evaluate(f"{ELEMENT}.pause()")
    harness.post("en", "Four")
    expect(page.get_by_role("button", name="New: 1")).to_be_visible()
    harness.withdraw("en", first, "wrong")
    expect_lines(page, "Three", "Two", "Withdrawn wrong")
    page.wait_for_function("boards.length === 3")  # with the next frame
    page.evaluate(f"{ELEMENT}.resume()")
    expect_lines(page, "Four", "Three", "Two", "Withdrawn wrong")
    page.wait_for_function("boards.length === 4")
    assert page.evaluate("boards") == [
        [["Two", "One"], True],
        [["Three", "Two", "One"], True],
        [["Three", "Two", "wrong"], True],
        [["Four", "Three", "Two", "wrong"], True],
    ]


def test_first_board_without_lines_is_told(page: Page, harness: BrowserHarness, host: Host) -> None:
    listen = """<script>addEventListener("ticker:board", ({ detail }) => (window.board = detail.board));</script>"""
    open_page(page, harness, host, 'edition="en"', head=listen)
    page.wait_for_function("window.board?.length === 0")


def test_page_cannot_change_what_the_element_shows(page: Page, harness: BrowserHarness, host: Host) -> None:
    listen = """<script>
      const attempt = act => { try { act(); } catch {} };
      addEventListener("ticker:line", ({ detail: { line } }) => {
        attempt(() => (line.text = "Changed"));
        attempt(() => line.regions.push("mars"));
      });
      addEventListener("ticker:board", ({ detail: { board } }) => attempt(() => (board[0].text = "Changed")));
    </script>"""
    one = harness.post("en", "One", regions=("europe",))
    open_page(page, harness, host, 'edition="en"', head=listen)
    expect_lines(page, "One")
    harness.change("en", one, Change.UPDATE, text="One goes on", regions=("europe",))
    expect_lines(page, "Updated One goes on")
    frozen = page.evaluate(
        f"""() => {{
          const {{ board }} = {ELEMENT};
          return [board, ...board, ...board.map(line => line.regions)].every(Object.isFrozen);
        }}"""
    )
    assert frozen
    assert page.evaluate(f"{ELEMENT}.board[0].regions") == ["europe"]


def test_page_reaches_nothing_of_the_element_that_is_not_public(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    open_page(page, harness, host)
    found = page.evaluate(
        """() => {
          const names = [], start = document.createElement("breaking-ticker");
          for (let each = start; each !== HTMLElement.prototype; each = Object.getPrototypeOf(each))
            names.push(...Object.getOwnPropertyNames(each));
          return [...new Set(names)].sort();
        }"""
    )
    properties = [name for name, *_ in REFLECTED if name != "lang"]
    callbacks = ["connectedCallback", "disconnectedCallback", "attributeChangedCallback"]
    public = ["board", "position", "state", "pause", "resume", "constructor"]
    assert found == sorted([*properties, *callbacks, *public])


# Appearance


@pytest.mark.parametrize(
    ("style", "font"),
    [
        ("", "Georgia"),
        ("breaking-ticker { --ticker-font: inherit }", "Georgia"),
        ("breaking-ticker { font-family: Verdana }", "Verdana"),
        ("breaking-ticker { --ticker-font: Courier, monospace }", "Courier, monospace"),
        (":root { --ticker-font: Courier }", "Courier"),
    ],
)
def test_element_has_the_font_of_the_page_unless_it_is_given_another(
    page: Page, harness: BrowserHarness, host: Host, style: str, font: str
) -> None:
    gateway = SocketGateway(page)
    head = f"<style>body {{ font-family: Georgia }} {style}</style>"
    open_page(page, harness, host, 'edition="en" transport="socket"', head=head)
    gateway.wait_for_connections(1)
    gateway.board(line(1, "One"))
    expect(texts(page)).to_have_text(["One"])
    assert page.evaluate(SHOWN_FONT) == font
