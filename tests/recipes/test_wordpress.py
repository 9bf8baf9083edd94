"""The recipe for WordPress, as a plugin of a real WordPress with a theme of blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.recipes.checks import expect_height
from tests.support.browser_harness import BrowserHarness
from tests.support.browser_pages import expect_live, until
from tests.support.browser_reader import Readers
from tests.support.recipes import SERVER, recipes
from tests.support.wordpress import WordPress

pytestmark = pytest.mark.browser

CONTENT = 'Before [ticker edition="ar" lines="3" label="<b>"] after <breaking-ticker edition="es"></breaking-ticker>.'


def test_every_page_has_a_strip_and_authors_add_lists(reader: Readers, harness: BrowserHarness, folder: Path) -> None:
    (plugin,) = recipes("WordPress", "php")
    english = harness.post("en", "A line in English")
    harness.post("ar", "سطر")
    with WordPress(folder, plugin.replace(SERVER, harness.address), CONTENT) as site:
        page = reader().open(site.article)
        expect_live(page, 2)
        expect(page).to_have_title("An article – News")
        strip, listed = page.locator("breaking-ticker").all()
        expect_height(strip, 56)
        expect_height(listed, 480)
        assert strip.evaluate("element => element === document.body.querySelector('breaking-ticker')")
        assert strip.evaluate("element => [element.layout, element.edition]") == ["strip", "en"]
        assert listed.evaluate("element => [element.layout, element.edition, element.lines]") == ["list", "ar", 3]
        expect(strip.locator("[part~=line] [part=text]")).to_have_text(english.text)
        expect(listed.locator("[part~=line] [part=text]")).to_have_text("سطر")
        expect(page.get_by_role("button", name="Hold", exact=True).first).to_be_visible()
        assert page.get_by_text("Warning:").count() == 0  # PHP's own
        page.goto("about:blank")
        until(page, lambda: harness.followers("en") + harness.followers("ar") == 0, "the connections are closed")
