"""Languages: the words and digits of the interface, and directions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_layouts import open_tickers
from tests.support.browser_pages import ELEMENT, expect_live, host_page, open_ticker
from tests.support.browser_reader import Readers
from tests.support.scripted_server import SocketGateway, line, position
from ticker.core.line import Direction
from ticker.core.rules.labels import find_label


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


WORDS = {
    'edition="en"': "Pause", 'edition="ar"': "إيقاف", 'edition="es"': "Pausar",
    'edition="es" lang="en-GB"': "Pause", 'edition="es" lang="fr"': "Pause", 'edition="en" lang="es"': "Pausar",
    'edition="en" words=\'{"pause": "Pauză"}\'': "Pauză", 'edition="en" words="nonsense"': "Pause",
}  # fmt: skip


def test_interface_words_follow_edition_lang_and_words(page: Page, harness: BrowserHarness, host: Host) -> None:
    page.set_viewport_size({"width": 800, "height": 4000})
    page.goto(host.put("/", host_page(harness.address, *WORDS)))
    expect_live(page, len(WORDS))
    for ticker, (attributes, word) in zip(page.locator("breaking-ticker").all(), WORDS.items(), strict=True):
        expect(ticker.locator("[part~=pause]"), attributes).to_have_accessible_name(word)


WORDS_WITHOUT_BOARD = [
    ("en", 'edition="en"', "Not available"), ("en", 'edition="es"', "No disponible"),
    ("en", 'edition="ar"', "غير متاح"), ("es-MX", 'edition="ours"', "No disponible"),
    ("ar", 'edition="ours"', "غير متاح"), ("ar", 'edition="ours" lang="es"', "No disponible"),
    ("fr", 'edition="ours"', "Not available"), ("es", 'edition="ours" words=\'{"stopped": "Cerrado"}\'', "Cerrado"),
]  # fmt: skip
"""The language of the page, the attributes of its ticker, and the word."""


def test_reader_who_cannot_connect_at_all_has_the_words_of_the_language(
    page: Page, harness: BrowserHarness, host: Host
) -> None:
    """The other words come with the first board. It has the edition's language, too."""
    page.route("**/v1/**", lambda route: route.fulfill(status=404, headers={"Access-Control-Allow-Origin": "*"}))
    for page_lang, attributes, word in WORDS_WITHOUT_BOARD:
        page.goto(host.put("/", host_page(harness.address, attributes).replace('lang="en"', f'lang="{page_lang}"')))
        expect(page.get_by_role("status")).to_have_text(word)


NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lang", "edition_lang", "digits"),
    [("", "ar", "0-9"), ("", "ar-u-nu-arab", "٠-٩"), ("ar-u-nu-arab", "ar", "٠-٩"), ("", "ar-EG", "٠-٩")],
)
def test_ages_counts_and_times_have_the_digits_of_the_edition(
    reader: Readers, harness: BrowserHarness, host: Host, lang: str, edition_lang: str, digits: str
) -> None:
    page = reader().context.new_page()
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    attributes = f'edition="ar" layout="strip" transport="socket" lang="{lang}"'
    page.goto(host.put("/", host_page(harness.address, attributes)))
    gateway.wait_for_connections(1)
    lines = [
        line(3, "خبر", lang="ar", created_at="2026-11-24T09:17:00Z"),
        line(2, "خبر", lang=edition_lang, created_at="2026-11-23T09:17:00Z"),
        line(1, "خبر", lang="ar-EG", created_at="2026-11-24T09:17:00Z"),
    ]
    info = {"name": "ar", "title": "أخبار", "lang": edition_lang, "dir": "rtl"}
    gateway.send("board", position=position(3), reset=None, edition=info, lines=lines)
    gateway.send("live", position=position(3), replayed=0)
    expect(page.locator("[part=count]")).not_to_be_empty()
    page.evaluate(f"{ELEMENT}.pause()")
    gateway.line(4, "خبر")
    expect(page.locator("[part=new]")).to_be_visible()
    shown = page.evaluate(f"""[...{ELEMENT}.shadowRoot.querySelectorAll("time, [part=count], [part=new]")]
      .flatMap(each => [each.textContent, each.title ?? ""]).join(" ")""")
    found = set(page.evaluate(r"text => text.match(/\p{Nd}/gu)", shown))
    assert found
    assert found <= set(
        page.evaluate("range => [...'0123456789٠١٢٣٤٥٦٧٨٩'].filter(each => each.match(range))", f"[{digits}]")
    )


@pytest.mark.parametrize(
    ("edition", "words"),
    [
        ("en", ["Flash", "Bulletin", "Urgent"]),
        ("ar", ["فلاش", "خبر عاجل", "عاجل"]),
        ("es", ["Flash", "Boletín", "Urgente"]),
    ],
)
def test_each_urgency_has_its_own_word(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str, words: list[str]
) -> None:
    """In the element, in rendered lines, and for the desk: `tick` suggests this urgency for each of the words."""
    for urgency in (4, 3, 2, 1):
        harness.post(edition, "One", urgency=urgency)
    page = open_tickers(reader, harness, host, 1000, f'edition="{edition}"')
    expect(page.locator("[part~=tag]")).to_have_text(words)
    page.route("**/ticker.js", lambda route: route.abort())
    page.goto(f"{harness.address}/{edition}")
    expect(page.locator("breaking-ticker > ol b")).to_have_text(words)
    assert [find_label(f"{word}: One").urgency for word in words] == [1, 2, 3]  # type: ignore[union-attr]
