"""The recipe for plain HTML: the page of docs/recipes.md, as it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.recipes.checks import expect_height, expect_recipe
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_reader import Readers
from tests.support.recipes import SERVER, recipes

pytestmark = pytest.mark.browser


def test_page_works_as_it_is(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    (html,) = recipes("Plain HTML", "html")
    address = host.put("/", html.replace(SERVER, harness.address))
    expect_height(reader(java_script_enabled=False).open(address).locator("breaking-ticker"), 56)
    page = reader().open(address)
    expect_height(page.locator("breaking-ticker"), 56)
    expect(page).to_have_title("News")
    expect_recipe(page, harness)
