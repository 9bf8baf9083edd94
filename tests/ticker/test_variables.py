"""A variable with a typing error is reported with the name that is most similar."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ticker.variables import known_variables, unknown_variables

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TICKER_FOLOWERS", "TICKER_FOLLOWERS"),
        ("TICKER_REDIS_PASWORD", "TICKER_REDIS_PASSWORD"),
        ("TICKER_LOGLEVEL", "TICKER_LOG_LEVEL"),
        ("TICKER_retained", "TICKER_RETAINED"),
        ("ticker_retained", "TICKER_RETAINED"),
        ("TICKER_HOT_COFFEE", None),
    ],
)
def test_an_unknown_variable_has_a_nearest_name(name: str, nearest: str | None) -> None:
    assert list(unknown_variables({name: "1", "HOME": "/", "TICKER_RETAINED": "7"})) == [(name, nearest)]


def test_known_variables_and_those_of_kubernetes_are_not_reported() -> None:
    services = ("TICKER_SERVICE_HOST", "TICKER_GATEWAY_SERVICE_PORT_HTTP", "TICKER_PORT", "TICKER_PORT_80_TCP_ADDR")
    assert list(unknown_variables(dict.fromkeys([*known_variables(), *services], "1"))) == []


def test_every_variable_in_the_sources_is_known() -> None:
    paths = [path for package in ("ticker", "publisher_cli") for path in (ROOT / package).rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    named = {name for text in texts for name in re.findall(r"\bTICKER_[A-Z_]*[A-Z]\b", text)}
    assert list(unknown_variables(dict.fromkeys(named, "1"))) == []


def test_a_process_logs_unknown_variables_at_its_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; from ticker.logs import set_up_logs; set_up_logs(os.environ)"],
        env={**os.environ, "TICKER_FOLOWERS": "5"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    event = json.loads(done.stderr)
    assert (event["event"], event["name"], event["nearest"]) == (
        "unknown-variable",
        "TICKER_FOLOWERS",
        "TICKER_FOLLOWERS",
    )
