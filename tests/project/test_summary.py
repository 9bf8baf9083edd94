"""The summary at the end of a test run."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.support.summary import count_properties, summary_lines


def report(test: str, seconds: float, when: Literal["setup", "call"] = "call", **counts: int) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=test,
        location=("", None, ""),
        keywords={},
        outcome="passed",
        longrepr=None,
        when=when,
        duration=seconds,
        user_properties=count_properties(counts),
    )


def test_the_slowest_folder_comes_first_with_setup_time_and_the_number_of_tests() -> None:
    reports = [
        report("tests/core/test_line.py::test_a", 1.0),
        report("tests/store/test_keys.py::test_b", 0.5, when="setup"),
        report("tests/store/test_keys.py::test_b", 0.75),
        report("tests/store/test_keys.py::test_c", 0.25),
    ]
    assert list(summary_lines(reports)) == [
        "     1.5 s      2 tests  tests/store",
        "     1.0 s      1 tests  tests/core",
    ]


def test_counts_are_added_up_once_per_test() -> None:
    reports = [
        report("tests/faults/test_x.py::test_a", 0.0, when="setup", violations=1),
        report("tests/faults/test_x.py::test_a", 0.0, violations=1, resets=2000),
        report("tests/faults/test_x.py::test_b", 0.0, violations=2),
    ]
    assert list(summary_lines(reports))[:2] == ["violations 3", "resets 2,000"]
