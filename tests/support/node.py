"""Run Node and the TypeScript compiler in tests, in the versions of the development environment."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from scripts.build_widget import find_program, install_tools

RUN_TIMEOUT_S = 120


@cache
def _tsc() -> Path:
    return install_tools() / "typescript" / "bin" / "tsc"


def run_node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Node on a script with arguments."""
    command = [find_program("node"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)


def run_tsc(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the TypeScript compiler, installing it first if necessary."""
    return run_node(_tsc(), *arguments)
