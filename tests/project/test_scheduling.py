"""The order of the tests, and which of them one process runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scheduling import BROWSERS, LONGEST_FIRST, SHARED_OUT, TOGETHER, arrange, unit_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", [*LONGEST_FIRST, *SHARED_OUT, *BROWSERS, *TOGETHER])
def test_listed_file_or_folder_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_files_with_a_browser_are_spread_over_the_long_files_and_the_others() -> None:
    browsers = [f"tests/browser/test_{number}.py" for number in range(3)]
    short = [f"tests/access/test_{number}.py" for number in range(2)]
    long = ["tests/publisher_cli/tui/test_0.py", "tests/hostile/test_0.py", "tests/desk/test_0.py"]
    assert arrange([*short, *browsers, *reversed(long), *SHARED_OUT]) == [
        *SHARED_OUT, browsers[0], long[0], long[1], browsers[1], long[2], short[0], browsers[2], short[1],
    ]  # fmt: skip


def test_every_file_is_arranged_once() -> None:
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
    assert sorted(arrange(files)) == files


def test_file_stays_together_unless_it_is_shared_out() -> None:
    assert unit_of("tests/core/test_c.py::test_c[1]") == "tests/core/test_c.py"
    test = f"{SHARED_OUT[0]}::test_every_invariant_holds_under_faults[1]"
    assert unit_of(test) == test


def test_files_that_share_browsers_are_one_unit_and_start_before_other_browsers() -> None:
    assert unit_of("tests/engines/test_a.py::test_a") == unit_of(f"{TOGETHER[1]}::test_b") == TOGETHER[0]
    files = ["tests/browser/test_a.py", "tests/engines/test_a.py", TOGETHER[1]]
    assert arrange(files) == ["tests/engines/test_a.py", TOGETHER[1], "tests/browser/test_a.py"]
