"""Run commands of other programs, within a time limit. Shared by the scripts that find or install programs."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

START_S = 20


class Wanted(NamedTuple):
    """A program that tests need, and how to get it."""

    name: str
    find: Callable[[], Path | None]
    """Return a program that works, or None. Unpack nothing."""
    unpack: Callable[[], None]
    """Put the program into the environment, or raise RuntimeError with the reason."""
    source: str
    """The package that has the program, in words."""
    remedy: str
    """What to do if that fails, in sentences."""


def run(command: Sequence[str | Path], limit_s: float, folder: Path | None = None, **environment: str) -> str:
    """Run a command in `folder`, without input. Return its output, standard error included.

    At the limit, the command ends together with all processes that it started.

    Raises:
        RuntimeError: If the command doesn't start, fails, or takes longer than `limit_s`. The text is one line that
            says why: the first line of the output that begins like an error, or the exit status.

    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise RuntimeError(f"{name} does not start: {error.strerror}") from None
    with process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise RuntimeError(f"{name} took more than {limit_s:g} s") from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        errors = [line.strip() for line in output.splitlines() if line.startswith(("Error", "E:"))]
        raise RuntimeError(errors[0] if errors else f"{name} ended with {process.returncode}")
    return output


def starts(program: Path, *options: str) -> bool:
    """Return whether a program starts with these options and succeeds, such as with its option for the version."""
    try:
        run([program, *options], START_S)
    except RuntimeError:
        return False
    return True


def find_or_unpack(wanted: Wanted) -> bool:
    """Find or unpack a program, and print one line with the result. Return whether it is there."""
    name = wanted.name
    if path := wanted.find():
        print(f"{name}: {path}")
        return True
    print(f"{name}: not found, unpacking {wanted.source} ...", file=sys.stderr)
    why = f"the program of {wanted.source} is another one, or doesn't start"
    try:
        wanted.unpack()
    except RuntimeError as error:
        why = str(error)
    if path := wanted.find():
        print(f"{name}: {path}, just unpacked")
        return True
    print(f"{name}: not found: {why}. {wanted.remedy}", file=sys.stderr)
    return False
