"""The element's fold shows the same lines as the gateway's board: both pass `tests/vectors/fold.json`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.build_widget import WIDGET
from tests.support.node import run_node

FOLDER = Path(__file__).parent
VECTORS = FOLDER.parent / "vectors" / "fold.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module", params=["src/fold.js", "dist/ticker.js"])
def results(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The lines that the module shows in each case."""
    done = run_node(FOLDER / "fold.mjs", VECTORS, WIDGET / request.param)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_vectors_are_not_empty() -> None:
    assert len(CASES) > 40


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_the_fold_shows_what_the_vector_expects(results: list[dict[str, Any]], number: int) -> None:
    expected, found = CASES[number]["expect"], results[number]
    assert found["frozen"], "pages get these lines in events, and must not change what the element shows"
    assert found["ids"] == expected["ids"]
    # The fold keeps fields that it doesn't know, but never shows them.
    known = [
        {name: line[name] for name in fields} for line, fields in zip(found["lines"], expected["lines"], strict=True)
    ]
    assert known == expected["lines"]
    changes_at = expected["changes_at"]
    assert found["changes_at"] == (changes_at and datetime.fromisoformat(changes_at).timestamp() * 1000)
