"""axe-core: the accessibility rules that a program can check."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from playwright.sync_api import Page

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
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": list(rules)} if rules else {"rules": {"target-size": {"enabled": True}}}
    found: list[str] = page.evaluate(_RUN, options)
    return found
