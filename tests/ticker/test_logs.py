"""Tracebacks in the logs."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAILS = """
import sys

import structlog

from ticker.logs import set_up_logs

sys.stderr.isatty = lambda: {is_terminal}
set_up_logs({{}})


def decide(text):
    raise ValueError("the rules failed")


try:
    decide("Not public: " + "yet")
except ValueError:
    structlog.stdlib.get_logger("ticker.desk").exception("rules failed")
"""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_traceback_shows_the_place_and_no_variables(is_terminal: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS.format(is_terminal=is_terminal)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Not public: yet" not in done.stderr
    assert "ValueError: the rules failed" in done.stderr
    assert "in decide" in done.stderr


HOSTILE = """
import sys

import structlog

from ticker.logs import set_up_logs

set_up_logs({"TICKER_LOG_FORMAT": sys.argv[1]})
structlog.stdlib.get_logger("ticker.gateway").warning("gateway\\x1b[8m", reason="gone\\x1b]52;c;eA==\\x07\\non air")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_text_from_outside_can_not_control_the_terminal(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", HOSTILE, form], capture_output=True, text=True, timeout=60, check=True)
    assert not {"\x1b", "\x07"} & set(done.stderr)
    assert done.stderr.count("\n") == 1
    assert "gone" in done.stderr
