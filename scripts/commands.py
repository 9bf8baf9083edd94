"""Run commands of other programs, within a time limit. Shared by the scripts that find or install programs."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

START_S = 20


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
