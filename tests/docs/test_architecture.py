"""Check that every path in docs/architecture.md and CONTRIBUTING.md exists, and every target of make on the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md")
FOLDERS = frozenset({"ticker", "publisher_cli", "tests", "docs", "benchmarks", "scripts", "requirements"})

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w-]+/")


def paths(page: Path) -> set[str]:
    """Return the words in code style that look like a path below one of our folders."""
    words = _CODE.findall(page.read_text(encoding="utf-8"))
    return {word for word in words if _PATH.fullmatch(word) and word.split("/")[0] in FOLDERS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_on_the_page_exists(page: Path) -> None:
    found = paths(page)
    assert len(found) > 3
    assert not [path for path in sorted(found) if not (ROOT / path).exists()]


def test_every_make_target_on_the_pages_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    named = {word for page in pages for word in re.findall(r"\bmake ([a-z][a-z0-9-]+)\b(?=[`\n ])", _code(page))}
    assert len(named) > 8
    assert named <= targets


def _code(page: Path) -> str:
    """Return the code on the page: fenced blocks and words in code style."""
    text = page.read_text(encoding="utf-8")
    return "\n".join([*re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL), *re.findall(r"`[^`\n]+`", text)])
