"""The words that a screen reader speaks: in three layouts and three languages, live and paused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_live, host_page, state, until
from tests.support.browser_reader import Readers
from tests.support.screen_reader import ScreenReader
from tests.support.scripted_server import SocketGateway, line, position
from ticker.core.words import WORDS

NOW: Final = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LAYOUTS: Final = ("list", "strip", "crawl")
TICKERS: Final = [f'edition="en" transport="socket" layout="{layout}"' for layout in LAYOUTS]

LANGUAGES: Final[dict[str, dict[str, Any]]] = {
    "en": {
        "title": "Breaking news",
        "label": "Breaking",
        "texts": ["Storm reaches the coast", "Bank holds its rate", "New text"],
        "source": "Mayor",
        "reasons": ["It is 2.25%", "Not so"],
        "kinds": ["Flash", "Correction", "Withdrawn"],
        "ages": [["13 min. ago", "2 hr. ago"], ["13 minutes ago", "2 hours ago"]],
        "buttons": ["Previous", "Next", "Pause", "Resume", "New: 1"],
        "paused": "Paused",
        "waiting": "Reconnecting…",
    },
    "ar": {
        "title": "أخبار عاجلة",
        "label": "عاجل",
        "texts": ["العاصفة تبلغ الساحل", "البنك يثبت سعر الفائدة", "خبر جديد"],
        "source": "العمدة",
        "reasons": ["السعر 2.25%", "لم يحدث"],
        "kinds": ["فلاش", "تصحيح", "سُحب الخبر"],
        "ages": [
            ["قبل 13 دقيقة", "قبل ساعتين"],
            ["قبل 13 دقيقة", "قبل ساعتين"],
        ],
        "buttons": ["السابق", "التالي", "إيقاف", "استئناف", "جديد: 1"],
        "paused": "متوقف",
        "waiting": "إعادة الاتصال…",
    },
    "es": {
        "title": "Última hora",
        "label": "Última hora",
        "texts": ["La tormenta llega a la costa", "El banco mantiene el tipo", "Texto nuevo"],
        "source": "Alcalde",
        "reasons": ["Es 2,25 %", "No fue así"],
        "kinds": ["Flash", "Corrección", "Retirada"],
        "ages": [["hace 13 min", "hace 2 h"], ["hace 13 minutos", "hace 2 horas"]],
        "buttons": ["Anterior", "Siguiente", "Pausar", "Reanudar", "Nuevas: 1"],
        "paused": "En pausa",
        "waiting": "Reconectando…",
    },
}


class Newsroom:
    """Sends lines in one language to the page. The first is a flash with a link, and the second was corrected."""

    def __init__(self, page: Page, lang: str) -> None:
        self.gateway = SocketGateway(page)
        self.words = LANGUAGES[lang]
        self._own = {"lang": lang, "dir": "rtl" if lang == "ar" else "ltr"}

    def board(self) -> None:
        self.gateway.wait_for_connections(1)
        first, second, _ = self.words["texts"]
        ages = ("2026-11-24T09:16:30Z", "2026-11-24T07:25:00Z", "2026-11-24T07:20:00Z")
        source, (reason, why) = self.words["source"], self.words["reasons"]
        lines = [
            line(3, first, urgency=1, url="https://news.example/storm", created_at=ages[0], **self._own),
            line(2, second, attribution=source, correction=reason, change="correct", created_at=ages[1], **self._own),
            line(1, "", status="canceled", correction=why, created_at=ages[2], **self._own),
        ]
        words = {self._own["lang"]: WORDS.get(self._own["lang"], {})}
        edition = {"name": "en", "title": self.words["title"], "words": words, **self._own}
        self.gateway.send("board", position=position(3), reset=None, edition=edition, lines=lines)
        self.gateway.send("live", position=position(3), replayed=0)

    def line(self, number: int, text: str, **fields: Any) -> None:
        self.gateway.line(number, text, **{**self._own, "created_at": "2026-11-24T09:30:00Z", **fields})

    def withdraw(self, number: int) -> None:
        self.line(number, "", version=9, change="withdraw", status="canceled", correction=self.words["reasons"][1])

    # The phrases that a reader should hear

    def items(self, layout: str) -> list[list[str]]:
        """Return the phrases of each line."""
        words, ages = self.words, self.words["ages"][layout != "list"]
        (first, second, _), (reason, why) = words["texts"], words["reasons"]
        flash, correction, withdrawn = words["kinds"]
        text = [words["source"], f": {second}"]
        if layout != "list":  # a line without a link of its own leads to the page of the edition
            text = [f"link, {''.join(text)}", *text]
        return [
            [flash, f"link, {first}", ages[0]],
            [correction, *text, reason, ages[1]],
            [withdrawn, why, ages[1]],
        ]


def heard(phrases: list[str]) -> list[str]:
    """Return phrases without ends, places in lists, and exact times: these are the same in every language."""
    return [each for each in phrases if not each.startswith(("end of ", "listitem, ", "time, "))]


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


@pytest.fixture
def newsroom(reader: Readers, harness: BrowserHarness, host: Host, lang: str) -> Newsroom:
    page = reader(viewport={"width": 1000, "height": 2000}, timezone_id="UTC").context.new_page()
    newsroom = Newsroom(page, lang)
    page.clock.install(time=NOW)
    page.goto(host.put("/", host_page(harness.address, *TICKERS)))
    newsroom.board()
    expect_live(page, len(LAYOUTS))
    return newsroom


@pytest.fixture
def readers(newsroom: Newsroom) -> list[ScreenReader]:
    """A screen reader for each layout."""
    page = newsroom.gateway.page
    return [ScreenReader(page, f"[layout={layout}]") for layout in LAYOUTS]


def test_reader_hears_label_lines_with_their_ages_links_and_buttons(
    newsroom: Newsroom, readers: list[ScreenReader]
) -> None:
    words = newsroom.words
    previous, following, pause, resume, _ = (f"button, {each}" for each in words["buttons"])
    region = f"region, {words['title']}"
    in_list, in_strip, in_crawl = (each.read() for each in readers)
    lines = [phrase for item in newsroom.items("list") for phrase in item]
    assert heard(in_list) == [words["title"], "status", pause, region, "list", *lines]
    assert [each for each in in_list if each.startswith("listitem")] == [
        f"listitem, level 1, position {number}, set size 3" for number in (1, 2, 3)
    ]
    (shown, *_) = newsroom.items("strip")
    controls = ["status", previous, "1/2", following, pause]
    assert heard(in_strip) == [words["label"], region, "list", *shown, *controls]
    lines = [phrase for item in newsroom.items("crawl") for phrase in item]
    assert sorted(heard(in_crawl)) == sorted([words["label"], region, "list", *lines, "status", pause])
    newsroom.gateway.page.evaluate("document.querySelectorAll('breaking-ticker').forEach(each => each.pause())")
    for screen_reader in readers:
        phrases = heard(screen_reader.read())
        assert phrases.count(resume) == 1
        assert phrases[phrases.index("status") + 1] == words["paused"]


def test_new_line_correction_and_withdrawal_are_announced_once_by_one_element(
    newsroom: Newsroom, readers: list[ScreenReader]
) -> None:
    page, words, text = newsroom.gateway.page, newsroom.words, newsroom.words["texts"][2]
    _, correction, withdrawn = words["kinds"]
    reason, why = words["reasons"]
    newsroom.line(4, text)
    page.clock.run_for(2_100)
    assert readers[0].announcements() == [f"polite: {text}"]
    newsroom.line(4, text + "!", version=2, change="correct", correction=reason)
    page.clock.run_for(11_000)
    assert readers[0].announcements() == [f"polite: {correction} {text}!"]
    newsroom.withdraw(4)
    page.clock.run_for(11_000)
    assert readers[0].announcements() == [f"polite: {withdrawn} {why}"]
    page.clock.run_for(30_000)  # longer, and it would reconnect
    assert [each.announcements() for each in readers] == [[], [], []]


@pytest.mark.parametrize("lang", ["ar"])
def test_paused_reader_hears_nothing_new_and_withdrawn_text_is_gone(
    newsroom: Newsroom, readers: list[ScreenReader]
) -> None:
    page, words = newsroom.gateway.page, newsroom.words
    first, _, text = words["texts"]
    page.evaluate("document.querySelectorAll('breaking-ticker').forEach(each => each.pause())")
    expect(page.locator("[part=status]")).to_have_text([words["paused"]] * len(LAYOUTS))
    assert [each.announcements() for each in readers] == [[f"polite: {words['paused']}"]] * len(LAYOUTS)
    newsroom.line(4, text)
    newsroom.withdraw(3)
    expect(page.locator("[part=new]:visible")).to_have_count(len(LAYOUTS))
    page.clock.run_for(30_000)  # longer, and it would reconnect
    for screen_reader in readers:
        phrases = " ".join(screen_reader.read())
        assert f"button, {words['buttons'][4]}" in phrases
        assert text not in phrases
        assert first not in phrases
        assert words["reasons"][1] in phrases
    assert [each.announcements() for each in readers] == [[], [], []]


@pytest.mark.parametrize("lang", ["es"])
def test_lost_connection_is_announced_once_by_one_element(newsroom: Newsroom, readers: list[ScreenReader]) -> None:
    page, waiting = newsroom.gateway.page, newsroom.words["waiting"]
    page.evaluate("Math.random = () => 0.9")  # the next attempts are 0.9 and 1.8 s later
    page.clock.pause_at(NOW + timedelta(minutes=1))
    for _ in range(2):
        newsroom.gateway.disconnect()
        until(page, lambda: state(page) == "waiting", "the connection is lost")
        page.clock.run_for(100)  # renders
        expect(page.locator("[part=status]")).to_have_text([waiting] * len(LAYOUTS))
        heard_by_all = [each.announcements() for each in readers]
        assert sorted(heard_by_all) == [[], [], [f"polite: {waiting}"]]
        connections = len(newsroom.gateway.connections)
        page.clock.run_for(2_000)
        newsroom.gateway.wait_for_connections(connections + 1)
        newsroom.gateway.send("live", position=position(3), replayed=0)
        until(page, lambda: state(page) == "live", "live again")
        page.clock.run_for(100)
        expect(page.locator("[part=status]")).to_have_text([""] * len(LAYOUTS))
        # A status that becomes empty is nothing to say, though this reader logs it.
        assert {phrase for each in readers for phrase in each.announcements()} <= {"polite: "}
