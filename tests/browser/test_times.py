"""Ages, expiry and pins: what changes with the time, without a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, host_page
from tests.support.browser_reader import Readers
from tests.support.scripted_server import EDITION, SocketGateway, line, position

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


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


AGES = [
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
]
"""When a line was created, its language, and its age."""


def test_line_shows_its_age_in_its_own_language(page: Page, harness: BrowserHarness, host: Host) -> None:
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    lines = [
        line(number, "One", created_at=created_at, lang=lang)
        for number, (created_at, lang, _) in zip(range(len(AGES), 0, -1), AGES, strict=True)
    ]
    gateway.board(*lines)
    expect(page.locator("time")).to_have_text([shown for *_, shown in AGES])


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
