"""The reader in the element's module of the tail passes `tests/vectors/tail.json`, as the one in Python does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.build_widget import WIDGET
from tests.support.node import run_node

FOLDER = Path(__file__).parent
VECTORS = FOLDER.parent / "vectors" / "tail.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module", params=["src/tail.js", "dist/tail.js"])
def results(request: pytest.FixtureRequest) -> list[list[list[dict[str, Any]]]]:
    """The messages that the module takes in each step of each case."""
    done = run_node(FOLDER / "tail.mjs", VECTORS, WIDGET / request.param)
    assert done.returncode == 0, done.stderr
    found: list[list[list[dict[str, Any]]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_reader_takes_what_the_vector_expects(results: list[list[list[dict[str, Any]]]], number: int) -> None:
    expected = [step["expect"] for step in CASES[number]["steps"]]
    taken = [
        [each["position"] if each["type"] == "line" else each["type"] for each in step if each["type"] != "heartbeat"]
        for step in results[number]
    ]
    assert taken == expected
