"""The order of the tests, and which of them one process runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scheduling import LONGEST_FIRST, SHARED_OUT, place, unit_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", [*LONGEST_FIRST, *SHARED_OUT])
def test_listed_file_or_folder_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_long_files_come_first_and_the_others_keep_their_order() -> None:
    collected = ["tests/access/test_a.py::test_a", "tests/browser/test_b.py::test_b", "tests/core/test_c.py::test_c"]
    assert sorted(collected, key=place) == [collected[1], collected[0], collected[2]]


def test_file_stays_together_unless_it_is_shared_out() -> None:
    assert unit_of("tests/core/test_c.py::test_c[1]") == "tests/core/test_c.py"
    test = f"{SHARED_OUT[0]}::test_every_invariant_holds_under_faults[1]"
    assert unit_of(test) == test
