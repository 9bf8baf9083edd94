"""The element's fold is the gateway's: both meet `tests/vectors/fold.json`, as they are kept and as they are served."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import node
from ticker import widget

FOLDER = Path(__file__).parent
VECTORS = FOLDER.parent / "vectors" / "fold.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module", params=["kept", "served"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the module shows in each case."""
    module = Path(widget.__file__).with_name("ticker.js")
    if request.param == "served":
        module = tmp_path_factory.mktemp("served") / "ticker.mjs"
        module.write_bytes(widget.module().content)
    done = subprocess.run(
        [node(), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", FOLDER / "fold.mjs", VECTORS, module],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def test_there_are_cases() -> None:
    assert len(CASES) > 40


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_the_fold_shows_what_the_vector_says(shown: list[dict[str, Any]], number: int) -> None:
    expected, found = CASES[number]["expect"], shown[number]
    assert found["ids"] == expected["ids"]
    # Fields that a reader doesn't know are ignored, not taken out: nothing shows them.
    known = [{key: line[key] for key in meant} for line, meant in zip(found["lines"], expected["lines"], strict=True)]
    assert known == expected["lines"]
    changes_at = expected["changes_at"]
    assert found["changes_at"] == (changes_at and datetime.fromisoformat(changes_at).timestamp() * 1000)
