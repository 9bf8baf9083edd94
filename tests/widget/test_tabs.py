"""Tabs that share a connection, in Node: random schedules of the real module, in a simulated browser.

In each schedule, up to six tabs open, close, crash, hang, freeze and hide, while lines are posted and withdrawn and
the gateway dies and returns. `tabs/world.mjs` has the locks, the channel, the timers and the gateway.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.build_widget import WIDGET, install_tools
from tests.support.node import run_node

TABS = Path(__file__).parent / "tabs"
COUNT = 80


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module with the links, as one script."""
    bundle = tmp_path_factory.mktemp("widget") / "link.js"
    command = [
        str(install_tools() / ".bin" / "esbuild"), str(WIDGET / "src" / "link.js"), "--bundle", "--format=iife",
        "--global-name=ticker", f"--outfile={bundle}", "--log-level=error",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return bundle


@pytest.fixture(scope="module")
def results(bundle: Path) -> list[dict[str, Any]]:
    """The outcome of each schedule."""
    done = run_node(TABS / "schedules.mjs", bundle, "1", str(COUNT))
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_every_tab_gets_every_line_once_in_every_schedule(results: list[dict[str, Any]]) -> None:
    """No gap, no repeat, no withdrawn text, and every tab is live in the end."""
    assert len(results) == COUNT
    assert {result["seed"]: result["faults"] for result in results if result["faults"]} == {}


def test_one_connection_is_left_in_every_schedule(results: list[dict[str, Any]]) -> None:
    assert sum(result["tabs"] for result in results) > COUNT
    assert [result["seed"] for result in results if result["separate"]] == []


def test_tabs_that_can_not_hear_each_other_soon_stop_taking_the_lead_from_each_other(bundle: Path) -> None:
    done = run_node(TABS / "deaf.mjs", bundle)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    assert found["connections"] == 2
    assert found["opened"] < 50, "without a limit, they would open about 400 in ten minutes"
