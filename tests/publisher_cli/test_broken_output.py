"""Standard output that is closed, full, or can't show every character: the receipt isn't lost, nor is the exit code."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest

from tests.support.prefork import SCRIPTS
from tests.support.system import Ran, System

FULL = "standard output can't be written (No space left on device)"
CLOSED = "standard output can't be written (Bad file descriptor)"


def in_shell(system: System, command: str, **variables: str) -> Ran:
    """Run `{tick} …` in a shell. Its exit code is that of `tick`, also in front of a pipe."""
    line = f"set -o pipefail; {command.format(tick=shlex.quote(str(SCRIPTS / 'tick')))}"
    environ = {**system.environ, "TICK_EDITOR": "maha", "TICK_EDITION": "en", **variables}
    done = subprocess.run(
        ["bash", "-c", line], env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    return Ran(done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("redirection", "why"),
    [(">&-", CLOSED), ("> /dev/full", FULL), ("| true", "nobody reads standard output any more")],
)
@pytest.mark.parametrize("options", ["", " --json"])
def test_receipt_goes_to_standard_error_if_standard_output_fails(
    system: System, redirection: str, why: str, options: str
) -> None:
    # The other end of the pipe closes long before the receipt is printed: the command takes a tenth of a second.
    ran = in_shell(system, f"{{tick}} post 'Harbour: Output {redirection}' --no-reach{options} {redirection}")
    assert ran.code == 0, ran
    assert ran.err.startswith("on air  en ")
    assert ran.err.splitlines()[-1] == f"  {why}"
    assert "Traceback" not in ran.err


def test_held_line_keeps_its_exit_code_if_standard_output_is_closed(system: System) -> None:
    ran = in_shell(system, "{tick} post 'Harbour: Later, and unseen' --at 'in 300 days' >&-")
    assert ran.code == 5
    assert ran.err.startswith("held  en ")
    assert in_shell(system, "{tick} cancel last").code == 0


@pytest.mark.parametrize(("redirection", "why"), [(">&-", CLOSED), ("> /dev/full", FULL)])
def test_command_that_only_reads_fails_with_one_line(system: System, redirection: str, why: str) -> None:
    ran = in_shell(system, f"{{tick}} editions {redirection}")
    assert ran == Ran(1, "", f"error: {why}\n")


def test_closed_standard_error_loses_only_what_goes_there(system: System) -> None:
    ran = in_shell(system, "{tick} post 'No source, so a warning' --no-reach 2>&-")
    assert ran.code == 0
    assert ran.out.startswith("on air  en ")


def test_closed_standard_input_is_empty(system: System) -> None:
    ran = in_shell(system, "{tick} post <&-")
    assert ran.code == 2
    assert "Missing argument 'TEXT'" in ran.err


def test_terminal_with_another_encoding_shows_escapes(system: System) -> None:
    ran = in_shell(system, "{tick} post 'Harbour: Ā ship' --no-reach", PYTHONIOENCODING="latin-1")
    assert ran.code == 0, ran
    assert ran.out.startswith("on air  en ")
    assert r"Harbour: \u0100 ship" in ran.out
    document = in_shell(system, "{tick} post 'Harbour: Ē 😀' --no-reach --json", PYTHONIOENCODING="latin-1")
    assert json.loads(document.out)["status"] == "on-air"
