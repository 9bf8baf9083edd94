"""axe-core: the accessibility rules that a program can check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from playwright.sync_api import Page

from tests.support.browser_harness import BrowserHarness
from ticker import widget

COLOUR_RULES: Final = ("color-contrast", "link-in-text-block")
"""The rules whose result depends on the colours."""


# A line that crawls out of its view is clipped there. axe-core takes it for one that lies upon the buttons.
_RUN: Final = """options => axe.run(options).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes
  .filter(({ target }) => id !== "target-size" || document.querySelector([target[0]].flat()[0])?.layout !== "crawl")
  .map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)))"""


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Run axe-core in a page, and return every violation with its element. Run all rules, or only `rules`.

    By default, axe-core leaves out its only rule that is new in WCAG 2.2: the size of targets.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": list(rules)} if rules else {"rules": {"target-size": {"enabled": True}}}
    found: list[str] = page.evaluate(_RUN, options)
    return found


def themed_head(harness: BrowserHarness) -> str:
    """Return what a page needs in its head so that `colour_violations` can change its theme."""
    return (
        f'<link rel="stylesheet" href="{harness.address}/widget/themes.css">'
        '<meta name="color-scheme" content="light dark">'
    )


def colour_violations(page: Page) -> Iterator[tuple[str, str, str]]:
    """Run the rules for colours in every theme, light and dark. Yield the theme, the scheme and each violation.

    No other rule depends on the colours. The tickers are in the page's `main`, and its head has `themed_head`.
    """
    for theme in widget.THEMES:
        page.evaluate("theme => { document.querySelector('main').dataset.tickerTheme = theme }", theme)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            for violation in violations(page, COLOUR_RULES):
                yield theme, scheme, violation
