"""The recipe for plain HTML: the page of docs/recipes.md, as it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.recipes.checks import expect_recipe
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_reader import Readers
from tests.support.recipes import SERVER, recipes

pytestmark = pytest.mark.browser


def test_page_works_as_it_is(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    (html,) = recipes("Plain HTML", "html")
    page = reader().open(host.put("/", html.replace(SERVER, harness.address)))
    expect(page).to_have_title("News")
    expect_recipe(page, harness)
