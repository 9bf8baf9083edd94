"""The logs: tracebacks, and the text for people."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ticker.core.errors import SettingsError
from ticker.logs import set_up_logs

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


SETTLES = """
import structlog

from ticker.logs import set_up_logs

set_up_logs({"TICKER_LOG_FORMAT": "text"}, hides_published=True)
log = structlog.stdlib.get_logger("ticker.desk").bind(edition="en")
log.info("settled", editor="maha", submission="1-0", status="on-air", seq=1, line="k7m2", repeats=False)
log.info("settled", editor="maha", submission="2-0", status="refused", action="new", codes=("duplicate",))
log.info("settled", editor="maha", submission="3-0", status="held", held="z6m5", repeats=False)
"""


def test_a_submission_that_is_not_published_is_one_readable_line() -> None:
    done = subprocess.run([sys.executable, "-c", SETTLES], capture_output=True, text=True, timeout=60, check=True)
    refused, held = done.stderr.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  en  maha  refused  new  duplicate *", refused)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  en  maha  held  z6m5 *", held)


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="TICKER_LOG_FORMAT is 'xml': use one of text, json"):
        set_up_logs({"TICKER_LOG_FORMAT": "xml"})
