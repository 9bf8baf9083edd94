"""axe-core: the accessibility rules that a program can check."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from playwright.sync_api import Page

COLOUR_RULES: Final = ("color-contrast", "link-in-text-block")
"""The rules whose result depends on the colours."""


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Run axe-core in a page, and return every violation with its element. Run all rules, or only `rules`."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate("options => axe.run(options).then(result => result.violations)", options)
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
