"""Make the README's picture: `.venv/bin/python -m tests.support.readme_picture docs/ticker.png`.

The made-up article in English on a desktop, and in Arabic and Spanish on phones, with lines of the demo.
"""

from __future__ import annotations

import base64
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from scripts.engines import CHROMIUM, need_engine
from tests.support.browser_harness import BrowserHarness
from tests.support.browser_pages import expect_live
from ticker.demo import load_stories

VIEWS = (("en", 1280, 800, "light"), ("ar", 390, 800, "light"), ("es", 390, 800, "dark"))
"""The language, the size and the colour scheme of each screenshot."""
STORM = "Odile"
"""The name of the storm in the article: its line is the newest one."""


def post_stories(harness: BrowserHarness) -> None:
    """Publish the first line of each story of the demo in every edition, that of the storm last."""
    stories = sorted(load_stories(), key=lambda story: STORM in story.lines["en"][0])
    now = datetime.now(UTC)
    for edition in harness.log:
        for age, story in zip(range(len(stories), 0, -1), stories, strict=True):
            source, _, text = story.lines[edition][0].partition(": ")
            harness.post(
                edition, text, attribution=source, urgency=story.urgency, created_at=now - timedelta(minutes=13 * age)
            )


def take(browser: Browser, address: str, view: tuple[str, int, int, str]) -> bytes:
    """Return a screenshot of the article."""
    lang, width, height, scheme = view
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{address}/demo/article?lang={lang}")
    expect_live(page, 2)
    expect(page.locator("breaking-ticker [part~=line]").first).to_be_visible()
    picture = page.screenshot()
    page.close()
    return picture


def main(target: Path) -> None:
    chromium = need_engine(CHROMIUM).path
    with BrowserHarness() as harness, sync_playwright() as playwright:
        post_stories(harness)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        images = "".join(
            f'<img src="data:image/png;base64,{base64.b64encode(take(browser, harness.address, view)).decode()}">'
            for view in VIEWS
        )
        page = browser.new_page(viewport={"width": 2140, "height": 840})
        style = (
            "body { margin: 20px; display: flex; gap: 20px; background: #e4e6ea } img { box-shadow: 0 1px 8px #0006 }"
        )
        page.set_content(f"<style>{style}</style>{images}")
        target.write_bytes(page.screenshot())
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
