"""Make the contact sheet of the element: `.venv/bin/python -m tests.support.contact_sheet docs/contact-sheet.png`.

One picture with three languages, three layouts, light and dark, 360 and 1440 pixels, and test editions.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, expect, sync_playwright

from scripts.chromium import find_chromium
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import expect_live, host_page
from ticker.core.edition import DEFAULT_EDITIONS

EDITIONS = ("en", "ar", "es")
LAYOUTS = ("list", "strip", "crawl")
SCHEMES = ("light", "dark")
WIDTHS = (360, 1440)
HEAD = """<meta name="color-scheme" content="light dark"><style>
  body { margin: 0; padding: 16px; background: light-dark(#f3f4f6, #0c0e11) }
  breaking-ticker { display: block; margin-block-end: 16px; border: 1px solid light-dark(#dadde3, #2b3038);
    --ticker-height: HEIGHT }
</style>"""
# Stop each crawl at a place where its first line is in sight.
STOP_CRAWLS = """document.querySelectorAll('[layout=crawl]').forEach(each => {
  each.pause();
  const motion = each.shadowRoot.getAnimations().find(one => one.effect.target.localName === 'ol');
  motion.currentTime = 1000 * each.clientWidth / 110;
})"""


def take(browser: Browser, address: str, host: Host, width: int, scheme: str) -> bytes:
    """Return a screenshot of all tickers on a page of this width and colour scheme."""
    tickers = [f'edition="{edition}" layout="{layout}" lines="6"' for layout in LAYOUTS for edition in EDITIONS]
    head = HEAD.replace("HEIGHT", "470px" if width < 500 else "320px")
    page = browser.new_page(viewport={"width": width, "height": 4000}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(host.put("/", host_page(address, *tickers, head=head)))
    expect_live(page, len(tickers))
    expect(page.locator("breaking-ticker li")).to_have_count(6 * len(tickers))
    page.evaluate(STOP_CRAWLS)
    height = page.evaluate("document.documentElement.getBoundingClientRect().height")
    picture = page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height})
    page.close()
    return picture


def compose(browser: Browser, pictures: dict[tuple[int, str, str], bytes]) -> bytes:
    """Return one picture with all screenshots side by side, at half their size."""
    figures = "".join(
        f'<figure><figcaption>{width} px, {scheme}{kind}</figcaption><img width="{width // 2}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}"></figure>'
        for (width, scheme, kind), picture in pictures.items()
    )
    page = browser.new_page(viewport={"width": 2140, "height": 800})
    page.set_content(
        f"<style>body {{ margin: 12px; display: flex; gap: 12px; align-items: start; font: 13px system-ui }}"
        f"figure {{ margin: 0 }} figcaption {{ margin-block-end: 6px }} img {{ display: block }}</style>{figures}"
    )
    return page.screenshot(full_page=True)


def main(target: Path) -> None:
    chromium = find_chromium()
    assert chromium is not None, "there is no Chromium: `make chromium` finds or installs one"
    test_editions = {name: msgspec.structs.replace(edition, test=True) for name, edition in DEFAULT_EDITIONS.items()}
    with (
        BrowserHarness() as harness,
        BrowserHarness(test_editions) as test_harness,
        Host() as host,
        sync_playwright() as playwright,
    ):
        post_sample_lines(harness)
        post_sample_lines(test_harness)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        pictures = {
            (width, scheme, ""): take(browser, harness.address, host, width, scheme)
            for width in WIDTHS
            for scheme in SCHEMES
        }
        pictures[360, "light", ", test"] = take(browser, test_harness.address, host, 360, "light")
        target.write_bytes(compose(browser, pictures))
        for (width, scheme, kind), picture in pictures.items() if "--all" in sys.argv else ():
            target.with_stem(f"{target.stem}-{width}-{scheme}{kind.replace(', ', '-')}").write_bytes(picture)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
