"""Make the picture of the status page for the docs, or all pictures of it in a folder.

`.venv/bin/python -m tests.support.status_picture docs/status.png` makes the first picture of the docs.
`.venv/bin/python -m tests.support.status_picture docs/status-languages.png` makes the second one: the page in three
languages, on a phone and on a desktop, light and dark, with everything fine and with faults.
`.venv/bin/python -m tests.support.status_picture build/status` makes one picture per language, width, colour scheme and
system, and a sheet per language.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, sync_playwright

from scripts.engines import CHROMIUM, need_engine
from tests.support.browser_harness import BrowserHarness
from tests.support.status_samples import BROKEN, FINE, Sample
from ticker.web.status import LANGUAGES

WIDTHS = (320, 768, 1280)
SCHEMES = ("light", "dark")
SHEET = "body { margin: 0; padding: 16px; display: flex; gap: 16px; align-items: start; width: max-content }"
SAMPLES = {"fine": FINE, "broken": BROKEN}


def take(browser: Browser, address: str, sample: Sample, language: str, width: int, scheme: str) -> bytes:
    """Return a picture of the whole page."""
    context = browser.new_context(
        viewport={"width": width, "height": 400},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="UTC",
    )
    page = context.new_page()
    body = msgspec.json.encode(sample.status())
    page.route("**/status.json", lambda route: route.fulfill(body=body, content_type="application/json"))
    page.goto(f"{address}/status?lang={language}")
    page.locator("tbody tr").first.wait_for()
    picture = page.screenshot(full_page=True)
    context.close()
    return picture


def take_all(browser: Browser, address: str) -> Iterator[tuple[str, int, str, bytes]]:
    """Yield the language, the width, the name and the content of every picture."""
    for name, sample in SAMPLES.items():
        for language in LANGUAGES:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    picture = take(browser, address, sample, language, width, scheme)
                    yield language, width, f"{name}-{language}-{width}-{scheme}.png", picture


def compose(browser: Browser, pictures: Iterable[tuple[int, bytes]]) -> bytes:
    """Return one picture with all of them side by side, at half of their widths."""
    images = "".join(
        f'<img width="{width // 2}" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        for width, picture in pictures
    )
    page = browser.new_page()
    page.set_content(f"<!doctype html><style>{SHEET}</style>{images}")
    width, height = page.evaluate("[document.body.offsetWidth, document.body.offsetHeight]")
    page.set_viewport_size({"width": width, "height": height})
    sheet = page.screenshot()
    page.close()
    return sheet


def take_languages(browser: Browser, address: str) -> Iterator[tuple[int, bytes]]:
    """Yield the pictures of the sheet for the docs, with their widths."""
    for language, sample, scheme in (("en", BROKEN, "light"), ("ar", FINE, "light"), ("es", BROKEN, "dark")):
        for width in (1120, 360):
            yield width, take(browser, address, sample, language, width, scheme)


def make_all(browser: Browser, address: str, folder: Path) -> None:
    """Make every picture, and a sheet per language."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets: dict[str, list[tuple[int, bytes]]] = {}
    for language, width, name, picture in take_all(browser, address):
        (folder / name).write_bytes(picture)
        sheets.setdefault(language, []).append((width, picture))
    for language, pictures in sheets.items():
        (folder / f"sheet-{language}.png").write_bytes(compose(browser, pictures))


def main(target: Path) -> None:
    with BrowserHarness() as harness, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need_engine(CHROMIUM).path, args=["--no-sandbox"])
        if not target.suffix:
            make_all(browser, harness.address, target)
        elif target.stem.endswith("languages"):
            target.write_bytes(compose(browser, take_languages(browser, harness.address)))
        else:
            target.write_bytes(take(browser, harness.address, FINE, "en", 1120, "light"))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
