"""Make contact sheets of the element: three languages, three layouts, light and dark, in narrow and wide pages.

`.venv/bin/python -m tests.support.contact_sheet docs/contact-sheet.png` makes the picture of the docs with Chromium.
`.venv/bin/python -m tests.support.contact_sheet build/contact-sheets` makes one picture per engine, width and colour
scheme, and a sheet per engine, in a folder, and those of the made-up article. `build/contact-sheets firefox` makes only
those of one engine.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from scripts.engines import CHROMIUM, ENGINES, Engine
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.browser_pages import host_page
from tests.support.engine_browser import EngineBrowser, Tab
from tests.support.engine_pages import LINES, until_live
from tests.support.engines import start_browser
from ticker.core.edition import DEFAULT_EDITIONS

EDITIONS = ("en", "ar", "es")
LAYOUTS = ("list", "strip", "crawl")
SCHEMES = ("light", "dark")
DOCS_WIDTHS = (360, 1440)
WIDTHS = (320, 360, 768, 1440)
SAMPLE_LINES = 6
SCREEN_HEIGHT = 4000
"""The height of the page while it loads, in pixels: only elements in sight connect."""
HEAD = """<meta name="color-scheme" content="SCHEME"><style>
  body { margin: 0; padding: 16px; font-family: system-ui, sans-serif; background: light-dark(#f3f4f6, #0c0e11) }
  breaking-ticker { display: block; margin-block-end: 16px; border: 1px solid light-dark(#dadde3, #2b3038);
    --ticker-height: HEIGHT }
</style>"""
SHEET = """<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; padding: 12px; display: flex; gap: 12px; align-items: start; width: max-content;
    font: 13px system-ui }
  figure { margin: 0 } figcaption { margin-block-end: 6px } img { display: block }
</style>"""
# Stop each crawl where it begins, with its first line in sight.
STOP_CRAWLS = """() => document.querySelectorAll("[layout=crawl]").forEach(each => {
  each.pause();
  for (const motion of each.shadowRoot.getAnimations()) motion.currentTime = 0;
})"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

Pictures = Mapping[str, tuple[int, bytes]]
"""Screenshots and their widths in pixels, by caption."""


def take(tab: Tab, address: str, host: Host, width: int, scheme: str) -> bytes:
    """Return a screenshot of all tickers on a page of this width and colour scheme."""
    tickers = [f'edition="{edition}" layout="{layout}" lines="6"' for layout in LAYOUTS for edition in EDITIONS]
    head = HEAD.replace("HEIGHT", "470px" if width < 500 else "320px").replace("SCHEME", scheme)
    tab.resize(width, SCREEN_HEIGHT)
    tab.goto(host.put("/", host_page(address, *tickers, head=head)))
    until_live(tab, len(tickers))
    tab.until(f"count => ({LINES})().every(lines => lines.length === count)", "all lines", SAMPLE_LINES)
    return _whole_page(tab, width)


def _whole_page(tab: Tab, width: int) -> bytes:
    tab.resize(width, tab.evaluate("() => Math.ceil(document.documentElement.getBoundingClientRect().height)"))
    tab.evaluate(STOP_CRAWLS)
    tab.evaluate(TWO_FRAMES)
    return tab.screenshot()


def compose(browser: EngineBrowser, host: Host, pictures: Pictures) -> bytes:
    """Return one picture with all screenshots side by side, at half their size."""
    figures = "".join(
        f'<figure><figcaption>{caption}</figcaption><img width="{width // 2}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}"></figure>'
        for caption, (width, picture) in pictures.items()
    )
    tab = browser.open(host.put("/sheet", SHEET + figures))
    width, height = tab.evaluate("() => [document.body.offsetWidth, document.body.offsetHeight]")
    tab.resize(width, height)
    picture = tab.screenshot()
    tab.close()
    return picture


def take_all(
    browser: EngineBrowser, harness: BrowserHarness, host: Host, widths: tuple[int, ...]
) -> dict[str, tuple[int, bytes]]:
    """Return a screenshot per width and colour scheme."""
    tab = browser.new_tab()
    pictures = {
        f"{width} px, {scheme}": (width, take(tab, harness.address, host, width, scheme))
        for width in widths
        for scheme in SCHEMES
    }
    tab.close()
    return pictures


def make_docs_sheet(target: Path, harness: BrowserHarness, host: Host) -> None:
    """Make the picture of the docs, with test editions on the right."""
    test_editions = {name: msgspec.structs.replace(edition, test=True) for name, edition in DEFAULT_EDITIONS.items()}
    with BrowserHarness(test_editions) as test_harness, start_browser(CHROMIUM) as browser:
        post_sample_lines(test_harness)
        pictures = take_all(browser, harness, host, DOCS_WIDTHS)
        tab = browser.new_tab()
        pictures["360 px, light, test"] = (360, take(tab, test_harness.address, host, 360, "light"))
        target.write_bytes(compose(browser, host, pictures))


def take_articles(browser: EngineBrowser, harness: BrowserHarness) -> dict[str, tuple[int, bytes]]:
    """Return a screenshot of the made-up article per language, on a phone and on a desktop."""
    tab = browser.new_tab()
    pictures = {}
    for width in DOCS_WIDTHS:
        for lang in EDITIONS:
            tab.resize(width, SCREEN_HEIGHT)
            tab.goto(f"{harness.address}/demo/article?lang={lang}")
            until_live(tab, tab.evaluate("() => document.querySelectorAll('breaking-ticker').length"))
            pictures[f"{width} px, article-{lang}"] = (width, _whole_page(tab, width))
    tab.close()
    return pictures


def make_engine_sheets(folder: Path, harness: BrowserHarness, host: Host, engine: Engine) -> None:
    """Make all pictures of an engine, and a sheet with all of them."""
    with start_browser(engine) as browser:
        pictures = take_all(browser, harness, host, WIDTHS)
        articles = take_articles(browser, harness)
    for caption, (_, picture) in [*pictures.items(), *articles.items()]:
        (folder / f"{engine.name}-{caption.replace(' px, ', '-')}.png").write_bytes(picture)
    with start_browser(CHROMIUM) as browser:
        (folder / f"{engine.name}.png").write_bytes(compose(browser, host, pictures))
        (folder / f"{engine.name}-articles.png").write_bytes(compose(browser, host, articles))


def main(target: Path, names: list[str]) -> None:
    with BrowserHarness() as harness, Host() as host:
        post_sample_lines(harness)
        if target.suffix:
            make_docs_sheet(target, harness, host)
            return
        target.mkdir(parents=True, exist_ok=True)
        for engine in ENGINES:
            if not names or engine.name in names:
                make_engine_sheets(target, harness, host, engine)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
