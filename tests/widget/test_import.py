"""The element's modules can be imported on a server, without a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.build_widget import WIDGET
from tests.support.node import run_node

IMPORT = Path(__file__).with_name("import.mjs")


@pytest.mark.parametrize(
    ("module", "exports"),
    [
        ("dist/ticker.js", ["BreakingTicker", "Fold", "nextBoardChange"]),
        ("src/index.js", ["BreakingTicker", "Fold", "nextBoardChange"]),
        ("src/define.js", ["BreakingTicker"]),
    ],
)
def test_module_can_be_imported_on_a_server(module: str, exports: list[str]) -> None:
    done = run_node(IMPORT, WIDGET / module)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"exports": exports, "globals": 0}
