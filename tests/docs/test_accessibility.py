"""The accessibility record names every criterion, and evidence that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
RECORD: Final = (ROOT / "docs" / "accessibility.md").read_text(encoding="utf-8")
RESULTS: Final = {"Supports", "Partially supports", "Not applicable"}

LEVEL_A: Final = """
    1.1.1 1.2.1 1.2.2 1.2.3 1.3.1 1.3.2 1.3.3 1.4.1 1.4.2 2.1.1 2.1.2 2.1.4 2.2.1 2.2.2 2.3.1 2.4.1 2.4.2 2.4.3 2.4.4
    2.5.1 2.5.2 2.5.3 2.5.4 3.1.1 3.2.1 3.2.2 3.2.6 3.3.1 3.3.2 3.3.7 4.1.2
"""
LEVEL_AA: Final = """
    1.2.4 1.2.5 1.3.4 1.3.5 1.4.3 1.4.4 1.4.5 1.4.10 1.4.11 1.4.12 1.4.13 2.4.5 2.4.6 2.4.7 2.4.11 2.5.7 2.5.8
    3.1.2 3.2.3 3.2.4 3.3.3 3.3.4 3.3.8 4.1.3
"""
"""The success criteria of WCAG 2.2. It removed 4.1.1."""


class Row(NamedTuple):
    """A row of a table of criteria."""

    criterion: str
    result: str
    remark: str
    evidence: str


def rows(heading: str) -> list[Row]:
    """Return the rows of the table below a heading."""
    section = RECORD.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip() for cell in cells)) for cells in lines[2:]]


ALL: Final = [row for heading in ("WCAG 2.2, level A\n", "WCAG 2.2, level AA", "EN 301 549") for row in rows(heading)]


@pytest.mark.parametrize(("heading", "numbers"), [("WCAG 2.2, level A\n", LEVEL_A), ("WCAG 2.2, level AA", LEVEL_AA)])
def test_record_has_every_criterion_of_the_level_in_order(heading: str, numbers: str) -> None:
    assert [row.criterion.partition(" ")[0] for row in rows(heading)] == numbers.split()


def test_every_result_is_one_of_three_and_has_a_remark_or_evidence() -> None:
    assert {row.result for row in ALL} == RESULTS
    assert [row for row in ALL if row.result == "Partially supports" and not row.remark] == []
    assert [row for row in ALL if row.result != "Not applicable" and not row.evidence and "](#" not in row.remark] == []


@cache
def functions(path: str) -> frozenset[str]:
    """Return the names of the tests in a file below tests/."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_test_that_the_record_names_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", RECORD)
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in functions(path)] == []
    assert RECORD.count("::") == len(named)


def test_every_manual_check_is_recorded_with_its_date() -> None:
    checks = re.findall(r"^\| (M\d+) \| (\d{4}-\d\d-\d\d) \| [^|]+ \| [^|]+ \| [^|]+ \|$", RECORD, re.MULTILINE)
    used = {number for row in ALL for number in re.findall(r"\bM\d+\b", row.evidence)}
    assert used == {number for number, _ in checks}


def test_every_picture_of_the_docs_has_a_description() -> None:
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        for description in re.findall(r"!\[([^\]]*)\]\(", page.read_text(encoding="utf-8")):
            assert len(description) > 20, page
