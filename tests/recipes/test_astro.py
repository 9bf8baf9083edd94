"""The recipe for Astro: a static site with the real Astro, which renders the lines into the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.recipes.checks import expect_height, expect_recipe
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import record, recorded
from tests.support.browser_reader import Readers
from tests.support.recipes import SERVER, recipes, run, workplace

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def put_site(host: Host, folder: Path) -> str:
    """Serve a site from its files, and return the address of its first page."""
    for path in folder.rglob("*.js"):
        script = path.read_text(encoding="utf-8")
        host.put(f"/{path.relative_to(folder).as_posix()}", script, Content_Type="text/javascript; charset=utf-8")
    return host.put("/", (folder / "index.html").read_text(encoding="utf-8"))


def test_lines_are_in_the_page_before_any_script_and_none_is_missing_or_repeated(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    (page_source,) = recipes("Astro", "astro")
    harness.post("en", "On the board </script><!-- with markup")
    with workplace() as folder:
        pages = folder / "astro" / "src" / "pages"
        pages.mkdir(parents=True)
        (pages / "index.astro").write_text(page_source.replace(SERVER, harness.address), encoding="utf-8")
        run("node", "astro.mjs", folder=folder, ASTRO_TELEMETRY_DISABLED="1")
        address = put_site(host, folder / "astro" / "dist")
    harness.post("en", "After the page was built")
    without_scripts = reader(java_script_enabled=False).open(address)
    expect(without_scripts.get_by_role("listitem")).to_have_text(["On the board </script><!-- with markup"])
    expect_height(without_scripts.locator("breaking-ticker"), 480)
    page = reader().context.new_page()
    record(page)
    page.goto(address)
    expect(page.locator("[part~=line] [part=text]")).to_have_text(
        ["After the page was built", "On the board </script><!-- with markup"]
    )
    assert recorded(page) == ["After the page was built"]
    expect_recipe(page, harness, "list")
