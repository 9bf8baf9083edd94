"""Compare docs/posting.md with the code. `tests/recipes/test_posting.py` runs its recipes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import msgspec

from tests.support.doc_examples import examples
from ticker.core.line import Change
from ticker.core.submission import DecisionRequest, Submission
from ticker.posting.problems import PROBLEMS
from ticker.posting.requests import OWN_FIELDS
from ticker.store.tokens import Scope

PAGE: Final = Path(__file__).parents[2] / "docs" / "posting.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")


def section(name: str) -> str:
    return TEXT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def codes(column: int, rows: str) -> list[tuple[list[str], str]]:
    """Return the words in code style of a column, with the first cell, for each row of a table."""
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines() if row.startswith("|")]
    return [(re.findall("`([a-z-]+)`", row[column]), row[0]) for row in cells[2:]]


def test_page_has_every_scope() -> None:
    assert [found for found, _ in codes(0, section("Tokens"))] == [[scope.value] for scope in Scope]


def test_page_has_every_change_and_every_field_of_a_submission() -> None:
    assert {change for found, _ in codes(0, section("Changes")) for change in found} == {each.value for each in Change}
    named = set(re.findall(r"`(\w+)`", section("Changes")))
    fields = {field.name for field in msgspec.structs.fields(Submission)} - {*OWN_FIELDS}
    assert fields <= named


def test_page_has_every_problem_and_every_status_of_a_receipt_that_is_no_problem() -> None:
    rows = codes(1, section("Answers"))
    shown = {(code, int(status)) for found, cell in rows for code in found for status in re.findall(r"\d{3}", cell)}
    everybodys = {"path", "method", "body", "internal"}  # they say nothing about the request
    wanted = {(code, kind.statuses[0]) for code, kind in PROBLEMS.items() if code not in everybodys}
    assert {each for each in shown if each[1] >= 400} == wanted
    assert {code for code, status in shown if status < 400} == {"on-air", "dropped", "held", "unknown"}


def test_example_of_a_decision_is_one() -> None:
    (example,) = examples(PAGE, "json")
    msgspec.convert({"key": "k", **json.loads(example.text)}, DecisionRequest)
