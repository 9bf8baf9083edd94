"""Check that every path in docs/architecture.md and CONTRIBUTING.md exists."""

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
