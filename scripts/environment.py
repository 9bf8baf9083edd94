"""Make the project's virtual environment: `python3 scripts/environment.py .venv`.

Runs with whatever Python 3 the machine has, so it keeps to old syntax and the standard library. It
ends with 0 and a usable environment (an interpreter and pip), or with 1 and one line that says what
is missing and what to do about it.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
KNOWN = ("python3.14", "python3.13", "python3.12", "python3.11")


def problem() -> str:
    """Return why this interpreter can't make the environment, with the remedy, or an empty string."""
    version = ".".join(map(str, sys.version_info[:2]))
    if sys.version_info[:2] < OLDEST:
        found = [name for name in KNOWN if shutil.which(name)]
        remedy = f"run the same with PYTHON={found[0]}" if found else "install a newer one"
        return f"{sys.executable} is Python {version}, and Ticker needs 3.11 or newer: {remedy}"
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        return (
            f"{sys.executable} comes without its module {' and '.join(missing)}: install it "
            f"(Debian, Ubuntu: apt-get install python{version}-venv) or name another Python, "
            "as in: make run PYTHON=/usr/local/bin/python3"
        )
    return ""


def main() -> int:
    """Make the environment in the folder that is the one argument; what was there is replaced."""
    folder = Path(sys.argv[1])
    reason = problem()
    if not reason:
        command = [sys.executable, "-m", "venv", "--clear", str(folder)]
        if subprocess.call(command) != 0:
            reason = f"`{' '.join(command)}` failed: see above"
    if reason:
        print(f"cannot make the environment: {reason}", file=sys.stderr)
        return 1
    # Scripts in an environment name its place: after a move it is made anew (see the Makefile).
    (folder / "place").write_text(f"{Path.cwd()}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
