"""The tests can stop their servers with signals that their own parent ignores."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRINT_HANDLING = "import signal; print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP))"
PARENT = f"""
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from tests.support.signals import stop_inheriting_ignored_signals
stop_inheriting_ignored_signals()
signal.raise_signal(signal.SIGHUP)
subprocess.run([sys.executable, "-c", {PRINT_HANDLING!r}], check=True)
"""


def test_children_do_not_inherit_ignored_signals_and_the_parent_still_ignores_them() -> None:
    ran = subprocess.run([sys.executable, "-c", PARENT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == f"{signal.default_int_handler} {signal.SIG_DFL}".split()
