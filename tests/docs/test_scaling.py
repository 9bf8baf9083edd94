"""Compare docs/scaling.md with the results of its measurement, and with the model that computes its sizes."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.scaling.page import PAGE, TABLES, update
from benchmarks.scaling.results import load_results

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_results() -> None:
    assert update(TEXT, load_results()) == TEXT


@pytest.mark.parametrize("name", TABLES)
def test_the_page_has_each_table_once(name: str) -> None:
    assert TEXT.count(f"<!-- table: {name} -->\n") == 1


def test_other_results_change_the_sizes_on_the_page() -> None:
    results = load_results()
    assert results.unit is not None
    costs = msgspec.structs.replace(results.unit.costs, delivery_s=2 * results.unit.costs.delivery_s)
    slower = msgspec.structs.replace(results, unit=msgspec.structs.replace(results.unit, costs=costs))
    assert TABLES["sizes"](slower) != TABLES["sizes"](results)
    assert update(TEXT, slower) != TEXT
