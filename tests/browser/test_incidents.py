"""Two incidents of the trade that are about what a reader sees; the others are in `tests/incidents`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Reader
from tests.browser.newsroom import Host, Newsroom
from tests.browser.showing import host_page, is_live
from ticker.core.line import Direction

LONG_AGO = datetime(2002, 12, 10, 9, 30, tzinfo=UTC)
ARABIC = "CNN Plaza: غارة وسط المدينة، والحصيلة 3 قتلى"


@pytest.fixture
def page(reader: Callable[..., Reader]) -> Page:
    return reader(locale="en-GB", timezone_id="UTC").context.new_page()


def test_united_2008_an_old_story_says_of_what_year_it_is(page: Page, newsroom: Newsroom, host: Host) -> None:
    """A story of 2002 came up in 2008 without a date, and the airline's share fell by three quarters in minutes."""
    newsroom.post("en", "Airline files for bankruptcy", created=LONG_AGO, updated=LONG_AGO)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    age = page.locator("breaking-ticker [part~=line] [part=age]")
    expect(age).to_contain_text("2002")
    page.goto(f"{newsroom.address}/en/embed")
    expect(page.locator("time").first).to_contain_text("2002")

    # Without the year in its date, the element says nothing of how old it is.
    source = page.request.get(f"{newsroom.address}/widget/ticker.js").text()
    undated = source.replace('{dateStyle:"medium"}', '{month:"short",day:"numeric"}')
    assert undated != source
    page.route("**/widget/ticker.js", lambda route: route.fulfill(body=undated, content_type="text/javascript"))
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    expect(age).to_contain_text("Dec")
    expect(age).not_to_contain_text("2002")
    page.unroute("**/widget/ticker.js")

    # A line of today says how long ago it was: the year is there because the story is old, not by chance.
    newsroom.post("en", "Airline opens a route")
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" lines="1"')))
    is_live(page)
    expect(age).to_have_count(1)
    expect(age).not_to_contain_text(str(datetime.now(UTC).year))


def test_united_2008_what_is_replayed_is_not_announced_as_news(page: Page, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "Airline files for bankruptcy", created=LONG_AGO, updated=LONG_AGO)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    announcer = page.locator("breaking-ticker [aria-live=polite]")
    expect(announcer).to_have_text("")
    newsroom.post("en", "Airline opens a route")
    expect(announcer).to_contain_text("Airline opens a route", timeout=20_000)
    assert "bankruptcy" not in (announcer.text_content() or "")


def test_an_arabic_line_that_begins_with_a_latin_name_runs_from_right_to_left(
    page: Page, newsroom: Newsroom, host: Host
) -> None:
    """It showed from left to right, its end before its beginning: the first letter had decided."""
    newsroom.post("ar", ARABIC)
    page.goto(
        host.put("/", host_page(newsroom.address, 'edition="ar"', after=f'<p id="naive" dir="auto">{ARABIC}</p>'))
    )
    is_live(page)
    direction = "element => getComputedStyle(element).direction"
    assert page.locator("breaking-ticker [part~=line] [part=text]").evaluate(direction) == Direction.RTL
    assert page.locator("#naive").evaluate(direction) == Direction.LTR  # what a page does by itself
