"""Read examples from Markdown pages: fenced blocks with a language, and placeholders for values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import convert

from ticker.core.line import Line

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_POSITION = re.compile(r"(0|[1-9][0-9]*)-[0-9a-f]{16}")
_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{10}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_FORMS: dict[str, Callable[[Any], bool]] = {
    "position": lambda found: isinstance(found, str) and _POSITION.fullmatch(found) is not None,
    "id": lambda found: isinstance(found, str) and _ID.fullmatch(found) is not None,
    "time": lambda found: isinstance(found, str) and _TIME.fullmatch(found) is not None,
    "number": lambda found: isinstance(found, int) and not isinstance(found, bool),
    "line": lambda found: isinstance(found, dict) and isinstance(convert(found, Line), Line),
    "board": lambda found: isinstance(found, dict) and found.get("type") == "board",
    "edition": lambda found: isinstance(found, dict) and "title" in found,
    "host": lambda found: isinstance(found, str) and found != "",
    "feed": lambda found: isinstance(found, dict) and "trouble" in found,
    "messages": lambda found: isinstance(found, list) and all(each["type"] in {"line", "forget"} for each in found),
    "terms": lambda found: isinstance(found, dict) and bool(found),
}


class Example(NamedTuple):
    """A fenced block: its language, its text, and the number of its first line."""

    kind: str
    text: str
    line: int


def examples(path: Path, *kinds: str) -> Iterator[Example]:
    """Return the blocks of a page that have one of these languages."""
    document = path.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(document):
        if match[1] in kinds:
            yield Example(match[1], match[2], document.count("\n", 0, match.start()) + 1)


def assert_like(found: Any, shown: Any, where: str = "$") -> None:
    """Compare a JSON value with one from a page, in which `<form>` stands for any value of that form."""
    if isinstance(shown, str) and re.fullmatch("<[a-z]+>", shown):
        assert _FORMS[shown[1:-1]](found), f"{where}: {found!r} isn't a {shown}"
    elif isinstance(shown, dict):
        assert isinstance(found, dict), f"{where}: {found!r} isn't an object"
        assert sorted(found) == sorted(shown), f"{where}: the fields are {sorted(found)}, shown are {sorted(shown)}"
        for name, value in shown.items():
            assert_like(found[name], value, f"{where}.{name}")
    elif isinstance(shown, list):
        assert isinstance(found, list), f"{where}: {found!r} isn't a list"
        assert len(found) == len(shown), f"{where}: there are {len(found)} items, shown are {len(shown)}"
        for index, (item, value) in enumerate(zip(found, shown, strict=True)):
            assert_like(item, value, f"{where}[{index}]")
    else:
        assert found == shown, f"{where}: {json.dumps(found, ensure_ascii=False)} is shown as {shown!r}"
