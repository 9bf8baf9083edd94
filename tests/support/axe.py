"""axe-core: the accessibility rules that a program can check."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Run axe-core in a page, and return every violation with its element."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
