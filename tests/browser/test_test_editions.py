"""An edition for tests says that it is one: in every language and layout, to every sense, on every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Reader
from tests.browser.test_accessibility import violations
from tests.support.browser_harness import Host, Newsroom
from tests.support.browser_lines import fill
from tests.support.browser_pages import host_page, is_live, shows
from ticker import widget
from ticker.core.edition import DEFAULT_EDITIONS

Readers = Callable[..., Reader]
WORDS = {"en": "TEST", "ar": "اختبار", "es": "PRUEBA"}
MARKS = "breaking-ticker [part=test]"


@pytest.fixture
def trials() -> Iterator[Newsroom]:
    """A newsroom whose editions are all for tests."""
    editions = {name: msgspec.structs.replace(edition, test=True) for name, edition in DEFAULT_EDITIONS.items()}
    with Newsroom(editions) as newsroom:
        yield newsroom


@pytest.mark.parametrize("layout", ["list", "strip", "crawl"])
@pytest.mark.parametrize("edition", ["en", "ar", "es"])
def test_the_element_and_each_line_are_marked(
    reader: Readers, trials: Newsroom, host: Host, edition: str, layout: str
) -> None:
    fill(trials)
    page = reader(viewport={"width": 320, "height": 1000}).open(
        host.put("/", host_page(trials.address, f'edition="{edition}" layout="{layout}"'))
    )
    is_live(page)
    word = WORDS[edition]
    expect(page.locator(MARKS)).to_have_text(word)
    expect(page.locator(MARKS)).to_be_in_viewport(ratio=1)
    title = DEFAULT_EDITIONS[edition].title
    expect(page.get_by_role("region", name=f"{word} {title}")).to_be_visible()  # what a screen reader calls it
    tags = page.locator("breaking-ticker [part~=tag]").all_text_contents()
    assert len(tags) == 6
    assert all(tag.split()[0] == word for tag in tags)
    header = page.locator("breaking-ticker [part=header]")
    assert header.evaluate("each => each.scrollWidth <= each.clientWidth"), "no button is cut off"


def test_a_test_line_is_announced_as_one(reader: Readers, trials: Newsroom, host: Host) -> None:
    page = reader().context.new_page()
    page.clock.install()
    page.goto(host.put("/", host_page(trials.address, 'edition="en"')))
    is_live(page)
    trials.post("en", "The bridge is closed", urgency=1)
    shows(page, "TEST Flash The bridge is closed")
    page.clock.run_for(2_100)
    expect(page.locator(".heard")).to_have_text("TEST Flash The bridge is closed")


def test_an_edition_for_the_public_has_no_mark(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One")
    page = reader().open(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    shows(page, "One")
    expect(page.locator(MARKS)).to_be_hidden()
    expect(page.get_by_role("region", name="Breaking news", exact=True)).to_be_visible()


def test_the_mark_stays_without_colours_and_on_paper(reader: Readers, trials: Newsroom, host: Host) -> None:
    page = reader(forced_colors="active").open(host.put("/", host_page(trials.address, 'edition="en"')))
    is_live(page)
    expect(page.locator(MARKS)).to_have_css("border-top-style", "solid")
    page.emulate_media(media="print")
    expect(page.locator(MARKS)).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("path", ["/", "/en", "/en?wall=1", "/en/embed"])
def test_every_page_shows_it(reader: Readers, trials: Newsroom, path: str, script: bool) -> None:
    fill(trials)
    page = reader(java_script_enabled=script, viewport={"width": 1200, "height": 900}).open(trials.address + path)
    mark = page.locator(MARKS if script else "breaking-ticker > .test strong").first
    expect(mark).to_have_text("TEST")
    expect(mark).to_be_in_viewport(ratio=1)
    lines = page.locator("breaking-ticker").first.locator("[part~=tag]" if script else "ol li b:first-of-type")
    expect(lines.first).to_contain_text("TEST")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", widget.THEMES)
def test_axe_finds_nothing_in_the_mark(reader: Readers, trials: Newsroom, theme: str, scheme: str) -> None:
    fill(trials)
    page = reader(viewport={"width": 1000, "height": 3000}, bypass_csp=True).context.new_page()
    for path in ("/", "/ar"):
        page.goto(f"{trials.address}{path}?theme={theme}&scheme={scheme}")
        expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
        assert violations(page) == []
