"""An edition whose log is damaged: the element and the pages say that lines may be missing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.axe import violations
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, expect_live, host_page
from tests.support.browser_reader import Readers

WORDS = {
    "en": "Some lines may be missing or outdated",
    "ar": "قد تكون بعض الأخبار ناقصة أو قديمة",
    "es": "Pueden faltar noticias o no estar al día",
}
STATUS = "breaking-ticker [part=status]"


@pytest.mark.parametrize("edition", ["en", "ar", "es"])
def test_element_says_that_lines_may_be_missing_until_the_repair(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str
) -> None:
    harness.post(edition, "One")
    harness.hub.channels[edition].history.log.is_incomplete = True
    page = reader().open(host.put("/", host_page(harness.address, f'edition="{edition}"')))
    expect_live(page)
    expect(page.locator(STATUS)).to_have_text(WORDS[edition])
    harness.start_new_history(edition, ["One", "Two"])
    expect_lines(page, "Two", "One")
    expect(page.locator(STATUS)).to_have_text("")


def test_page_without_javascript_says_that_lines_may_be_missing(reader: Readers, harness: BrowserHarness) -> None:
    harness.post("en", "One")
    harness.hub.channels["en"].history.log.is_incomplete = True
    page = reader(java_script_enabled=False).open(f"{harness.address}/en")
    expect(page.get_by_text(WORDS["en"])).to_be_visible()


def test_page_that_says_so_is_accessible(reader: Readers, harness: BrowserHarness) -> None:
    harness.post("en", "One")
    harness.hub.channels["en"].history.log.is_incomplete = True
    page = reader().open(f"{harness.address}/en")
    expect_live(page)
    expect(page.locator(STATUS)).to_have_text(WORDS["en"])
    assert violations(page) == []
