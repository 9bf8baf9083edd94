"""The widget's JSDoc types hold: `tsc --checkJs --strict`."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.node import FOLDER, node, tsc


@pytest.mark.timeout(300)
def test_the_types_hold() -> None:
    done = subprocess.run([node(), tsc(), "-p", FOLDER], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.timeout(300)
def test_the_checker_finds_what_is_wrong() -> None:
    words = ["--strict", "--checkJs", "--allowJs", "--noEmit", "--target", "es2023", "--skipLibCheck"]
    wrong = FOLDER / "wrong.js"
    done = subprocess.run([node(), tsc(), *words, wrong], capture_output=True, text=True, timeout=120, check=False)
    assert "is not assignable to type 'number'" in done.stdout
