"""Events in the logs have one style of names, and operators find those that need a person in docs/operating.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
STYLE: Final = re.compile(r"[a-z]+(-[a-z]+)*")


def events() -> Iterator[tuple[str, str, str]]:
    """Yield each call of a logger in our sources: its place, its level, and the source of its event."""
    for package in ("ticker", "publisher_cli"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LEVELS
                    and ast.unparse(node.func.value).endswith(("log", "_logger"))
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.func.attr, ast.unparse(node.args[0])


def test_each_event_is_named_in_words_joined_by_hyphens() -> None:
    found = [(place, event) for place, _, event in events() if event != "event"]
    assert len(found) > 15
    assert [each for each in found if STYLE.fullmatch(each[1].strip("'")) is None] == []


def test_each_event_that_needs_a_person_is_in_the_docs() -> None:
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    serious = {event.strip("'") for _, level, event in events() if level in ("warning", "error", "exception")}
    composed = {"redis-interrupted", "desk-interrupted", "feed-interrupted", "trimmed-past", "history-replaced"}
    serious = serious - {"event"} | composed
    assert {event for event in serious if f"`{event}`" not in page} == set()
