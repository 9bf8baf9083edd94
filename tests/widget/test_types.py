"""The JSDoc types of the widget and the pages are checked: `tsc --checkJs --strict`."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.build_widget import ROOT
from tests.support.node import run_tsc


@pytest.mark.timeout(300)
def test_the_types_are_correct() -> None:
    done = run_tsc("-p", ROOT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.timeout(300)
def test_the_checker_finds_a_wrong_type() -> None:
    options = ["--strict", "--checkJs", "--allowJs", "--noEmit", "--target", "es2023", "--skipLibCheck"]
    done = run_tsc(*options, Path(__file__).with_name("wrong.js"))
    assert "is not assignable to type 'number'" in done.stdout
