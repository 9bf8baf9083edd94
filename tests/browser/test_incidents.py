"""Two incidents of the trade that are about what a reader sees; the others are in `tests/incidents`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Reader
from tests.support.browser_harness import Host, Newsroom
from tests.support.browser_pages import host_page, is_live, reaches, texts
from ticker.core.line import Direction

LONG_AGO = datetime(2002, 12, 10, 9, 30, tzinfo=UTC)
ARABIC = "CNN Plaza: غارة وسط المدينة، والحصيلة 3 قتلى"


@pytest.fixture
def page(reader: Callable[..., Reader]) -> Page:
    return reader(locale="en-GB", timezone_id="UTC").context.new_page()


def test_united_2008_an_old_story_says_of_what_year_it_is(page: Page, newsroom: Newsroom, host: Host) -> None:
    """A story of 2002 came up in 2008 without a date, and the airline's share fell by three quarters in minutes."""
    newsroom.post("en", "Airline files for bankruptcy", created_at=LONG_AGO, updated_at=LONG_AGO)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    age = page.locator("breaking-ticker [part~=line] [part=age]")
    expect(age).to_contain_text("2002")
    page.goto(f"{newsroom.address}/en/embed")
    expect(page.locator("time").first).to_contain_text("2002")

    # Without the year in its date, the element says nothing of how old it is.
    serve_altered(page, newsroom, '{dateStyle:"medium"}', '{month:"short",day:"numeric"}')
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
    page.clock.install()
    assert "bankruptcy" not in announced_after_being_away(page, newsroom, host)

    # Without looking at whether a line is live, the element tells it to who can't see how old it is.
    serve_altered(page, newsroom, 'this.state==="live";if(line.status', "true;if(line.status")
    assert "bankruptcy" in announced_after_being_away(page, newsroom, host)


def announced_after_being_away(page: Page, newsroom: Newsroom, host: Host) -> str:
    """What assistive technology reads once a reader is back, for whom the old story came up meanwhile."""
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en"')))
    is_live(page)
    newsroom.stop()
    reaches(page, "waiting")
    newsroom.post("en", "Airline files for bankruptcy", created_at=LONG_AGO, updated_at=LONG_AGO)
    newsroom.start()
    page.clock.fast_forward(31_000)
    is_live(page)
    newsroom.post("en", "Airline opens a route")
    expect(texts(page).first).to_have_text("Airline opens a route")
    page.clock.run_for(3_000)
    announcer = page.locator("breaking-ticker [aria-live=polite]")
    expect(announcer).to_contain_text("Airline opens a route")
    return announcer.text_content() or ""


def serve_altered(page: Page, newsroom: Newsroom, guard: str, without: str) -> None:
    """Have the page load the element with a guard taken out."""
    source = page.request.get(f"{newsroom.address}/widget/ticker.js").text()
    assert source.count(guard) == 1
    altered = source.replace(guard, without)
    page.route("**/widget/ticker.js", lambda route: route.fulfill(body=altered, content_type="text/javascript"))


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
