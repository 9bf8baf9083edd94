"""The layout strip: one line at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_layouts import LONG, NO_MARGIN, open_tickers
from tests.support.browser_pages import ELEMENT, expect_live, host_page, open_ticker
from tests.support.browser_reader import Readers
from tests.support.scripted_server import SocketGateway, line, position
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.messages import EditionInfo


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


EDITIONS = ("en", "ar", "es")

PHONE_WIDTHS = (320, 360)

WIDE_WIDTHS = (768, 1440)

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


# The boxes of the visible pieces of a ticker, by part. `start` and `end` are distances in reading direction.
BOXES = """ticker => {
  const root = ticker.shadowRoot, isRtl = root.querySelector("[part=ticker]").dir === "rtl";
  const found = {};
  for (const node of root.querySelectorAll("[part]")) {
    const box = node.getBoundingClientRect();
    if (!box.width || getComputedStyle(node).position === "fixed") continue;
    const [start, end] = isRtl ? [innerWidth - box.right, innerWidth - box.left] : [box.left, box.right];
    for (const part of node.part) found[part] ??= { start, end, top: box.top, bottom: box.bottom, height: box.height };
  }
  return found;
}"""


def boxes(page: Page, number: int = 0) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = page.locator("breaking-ticker").nth(number).evaluate(BOXES)
    return found


def strips() -> list[str]:
    return [f'edition="{edition}" layout="strip"' for edition in EDITIONS]


@pytest.mark.parametrize("width", WIDE_WIDTHS)
def test_wide_strip_has_label_text_age_and_controls_in_one_row(
    reader: Readers, harness: BrowserHarness, host: Host, width: int
) -> None:
    for edition in EDITIONS:
        harness.post_all(edition, ["12345", "1234"])
    page = open_tickers(reader, harness, host, width, *strips())
    order = ["label", "text", "age", "previous", "count", "next", "pause"]
    for number in range(len(EDITIONS)):
        found = boxes(page, number)
        assert sorted(order, key=lambda part: found[part]["start"]) == order
        for part in order:
            middle = (found[part]["top"] + found[part]["bottom"]) / 2 - found["ticker"]["top"]
            assert abs(middle - found["ticker"]["height"] / 2) < 8
        assert found["label"]["start"] == 0
        assert found["ticker"]["height"] == 56


@pytest.mark.parametrize("width", PHONE_WIDTHS)
def test_strip_on_a_phone_has_a_row_for_label_and_controls_and_two_rows_of_text(
    reader: Readers, harness: BrowserHarness, host: Host, width: int
) -> None:
    for edition in EDITIONS:
        harness.post_all(edition, ["Short", LONG[edition]])
    page = open_tickers(reader, harness, host, width, *strips())
    row = page.locator("[part=view]").first.evaluate("each => parseFloat(getComputedStyle(each).lineHeight)")
    for number in range(len(EDITIONS)):
        found = boxes(page, number)
        for part in ("previous", "count", "next", "pause"):
            assert found["label"]["end"] < found[part]["start"]
            assert found["label"]["top"] <= found[part]["top"] < found[part]["bottom"] <= found["label"]["bottom"]
        assert found["view"]["top"] >= found["label"]["bottom"]
        assert found["text"]["height"] <= 2 * row
        assert found["age"]["top"] >= found["text"]["bottom"] - 1
        assert found["age"]["bottom"] <= found["view"]["bottom"] + 1
        assert found["ticker"]["height"] == 100


def test_long_line_of_a_strip_ends_in_an_ellipsis_and_can_be_read_to_its_end(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    for edition in EDITIONS:
        harness.post(edition, LONG[edition] + " " + LONG[edition], created_at=datetime.now(UTC) - timedelta(minutes=4))
    page = open_tickers(reader, harness, host, 320, *strips())
    for number, view in enumerate(page.locator("[part=view]").all()):
        assert view.evaluate("each => each.tabIndex") == 0
        found = boxes(page, number)
        assert found["text"]["bottom"] <= found["age"]["top"] + 1
        assert found["age"]["bottom"] <= found["view"]["bottom"] + 1
        view.focus()
        for _ in range(2):
            assert view.evaluate("each => each.scrollHeight > each.clientHeight")
            found = boxes(page, number)
            assert found["text"]["bottom"] <= found["age"]["top"] + 1, "also with a transparent background"
            view.evaluate("each => each.scrollTo(0, each.scrollHeight)")
        assert boxes(page, number)["line"]["bottom"] <= found["view"]["bottom"] + 1, "the end of the text"
    page.evaluate("document.activeElement.blur()")
    assert view.evaluate("each => [each.scrollTop, each.tabIndex]") == [0, 0]


def test_strip_takes_the_focus_for_a_long_line_only_also_after_it_rotated(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post_all("en", [LONG["en"] * 3, "Short"])
    page = reader(viewport={"width": 320, "height": 600}).context.new_page()
    page.clock.install()
    page.goto(host.put("/", host_page(harness.address, 'edition="en" layout="strip" interval="10"', head=NO_MARGIN)))
    expect_live(page)
    view = page.locator("[part=view]")
    expect(page.locator("[part=text]:visible")).to_have_text("Short")
    expect(view).to_have_attribute("tabindex", "-1")
    page.clock.run_for(11_000)
    expect(page.locator("[part=text]:visible")).to_have_text(LONG["en"] * 3)
    expect(view).to_have_attribute("tabindex", "0")


@pytest.mark.parametrize(
    ("edition", "label", "ages"),
    [
        ("en", "Breaking", ["now", "13 minutes ago", "2 hours ago", "Nov 23, 2026"]),
        ("ar", "عاجل", ["الآن", "قبل 13 دقيقة", "قبل ساعتين", None]),
        ("es", "Última hora", ["ahora", "hace 13 minutos", "hace 2 horas", "23 nov 2026"]),
    ],
)
def test_strip_has_a_label_and_ages_in_words(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str, label: str, ages: list[str | None]
) -> None:
    page = reader().context.new_page()
    page.clock.install(time=NOW)
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, f'edition="{edition}" layout="strip" transport="socket"')))
    gateway.wait_for_connections(1)
    instants = ("2026-11-24T09:29:50Z", "2026-11-24T09:17:00Z", "2026-11-24T07:29:00Z", "2026-11-23T20:00:00Z")
    lines = [
        line(number, "One", lang=edition, created_at=instant)
        for number, instant in zip((4, 3, 2, 1), instants, strict=True)
    ]
    info = EditionInfo.of(edition, DEFAULT_EDITIONS[edition], edition)
    gateway.send("board", position=position(4), reset=None, edition=msgspec.to_builtins(info), lines=lines)
    gateway.send("live", position=position(4), replayed=0)
    expect(page.locator("[part~=label]")).to_have_text(label)
    for number, age in enumerate(ages):
        if age is not None:
            expect(page.locator("time").nth(number)).to_have_text(age)
    page.evaluate(f"{ELEMENT}.setAttribute('label', 'Storm')")
    expect(page.locator("[part~=label]")).to_have_text("Storm")


def test_notices_have_no_number_in_a_strip(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    lines = [harness.post("en", f"Line {number}") for number in range(4)]
    harness.withdraw("en", lines[3], "wrong")
    page = open_tickers(reader, harness, host, 1000, 'edition="en" layout="strip"')
    shown, count = page.locator("[part~=line]:visible [part=text]"), page.locator("[part=count]")
    expect(shown).to_have_text("Line 2")
    expect(count).to_have_text("1/3")
    page.get_by_role("button", name="Previous").click()
    expect(shown).to_have_text("Withdrawn wrong")
    expect(count).to_be_empty()
    page.get_by_role("button", name="Previous").click()
    expect(count).to_have_text("3/3")
