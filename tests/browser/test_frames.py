"""Frames of an edition on other sites' pages: only allowed pages may frame it, and the frame goes live."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_reader import Readers
from ticker.core.edition import DEFAULT_EDITIONS


@pytest.fixture
def restricted(host: Host) -> Iterator[BrowserHarness]:
    """A gateway with an edition that only pages of `host` may follow, and an open one."""
    english = DEFAULT_EDITIONS["en"]
    editions = {"en": english, "ours": msgspec.structs.replace(english, origins=(host.address,))}
    with BrowserHarness(editions) as harness:
        yield harness


@pytest.mark.parametrize("edition", ["en", "ours"])
def test_frame_from_oembed_goes_live_and_follows_withdrawals(
    reader: Readers, restricted: BrowserHarness, host: Host, edition: str
) -> None:
    page = reader().context.new_page()
    answer = page.request.get(f"{restricted.address}/oembed?url={restricted.address}/{edition}")
    frame_html = answer.json()["html"].replace('loading="lazy"', "")
    wrong = restricted.post(edition, "Wrong")
    page.goto(host.put("/", f"<!doctype html><link rel=icon href=data:,><title>Host</title>{frame_html}"))
    frame = page.frame_locator("iframe")
    expect(frame.locator("[part=ticker][data-state=live]")).to_have_count(1)
    restricted.withdraw(edition, wrong, "nobody said so")
    restricted.post(edition, "New")
    expect(frame.locator("[part~=line] [part=text]")).to_have_text(["New", "Withdrawn nobody said so"])


def test_opaque_frame_can_not_follow_an_edition_that_restricts_origins(
    reader: Readers, restricted: BrowserHarness, host: Host
) -> None:
    """A page of any site can make a frame with the origin `null`, so the gateway refuses that origin."""
    restricted.post("ours", "One")
    visitor = reader()
    visitor.expected = ("Access to",)
    page = visitor.context.new_page()
    body = f'<iframe sandbox="allow-scripts" src="{restricted.address}/ours/embed"></iframe>'
    page.goto(host.put("/", f"<!doctype html><link rel=icon href=data:,><title>Host</title>{body}"))
    frame = page.frame_locator("iframe")
    expect(frame.locator("[part=ticker][data-state=stopped]")).to_have_count(1)
    expect(frame.locator("[part~=line] [part=text]")).to_have_text(["One"])  # as it was rendered


def test_page_of_another_site_can_not_frame_an_edition_that_restricts_origins(
    reader: Readers, restricted: BrowserHarness, host: Host
) -> None:
    restricted.post("ours", "One")
    visitor = reader()
    visitor.expected = ("Framing", "Refused to frame")
    page = visitor.context.new_page()
    other = host.address.replace("127.0.0.1", "localhost")
    host.put("/", f'<!doctype html><link rel=icon href=data:,><iframe src="{restricted.address}/ours/embed"></iframe>')
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.goto(f"{other}/")
    assert page.frame_locator("iframe").locator("breaking-ticker").count() == 0
