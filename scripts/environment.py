"""Make the project's virtual environment: `python3 scripts/environment.py .venv`.

This script must run with any Python 3, so it uses old syntax and the standard library only. On success the
environment has an interpreter and pip, and the exit status is 0. Otherwise the script prints the missing parts and
the commands that install them, and the exit status is 1.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
KNOWN = ("python3.14", "python3.13", "python3.12", "python3.11")


def problem() -> str:
    """Return why this interpreter can't make the environment and what to do, or an empty string."""
    version = ".".join(map(str, sys.version_info[:2]))
    if sys.version_info[:2] < OLDEST:
        found = [name for name in KNOWN if shutil.which(name)]
        remedy = f"run the same command with PYTHON={found[0]}" if found else "install a newer Python"
        return f"{sys.executable} is Python {version}, but Ticker needs 3.11 or newer: {remedy}"
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        return (
            f"{sys.executable} has no module {' and '.join(missing)}: install it "
            f"(Debian, Ubuntu: apt-get install python{version}-venv), or choose another Python, "
            "for example: make run PYTHON=/usr/local/bin/python3"
        )
    return ""


def main() -> int:
    """Make the environment in the folder given as the only argument. Replace an existing one."""
    folder = Path(sys.argv[1])
    reason = problem()
    if not reason:
        command = [sys.executable, "-m", "venv", "--clear", str(folder)]
        if subprocess.call(command) != 0:
            reason = f"`{' '.join(command)}` failed: see above"
    if reason:
        print(f"cannot make the environment: {reason}", file=sys.stderr)
        return 1
    # Scripts in an environment contain its path. The Makefile makes a new one if the folder was moved.
    (folder / "place").write_text(f"{Path.cwd()}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
