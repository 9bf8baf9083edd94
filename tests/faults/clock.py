"""A clock that tests can set, for processes that are started with its `environment`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("clock.c")


def compiler() -> str | None:
    """Return the path of a C compiler, or None if it is missing."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class Clock:
    """An offset to the true time. It is in a file, which the preloaded `clock.c` maps into memory."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock-offset"
        self._library = folder / "clock.so"
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set the offset to the true time."""
        data = (seconds * 1_000_000).to_bytes(8, "little", signed=True)
        if not self._file.exists():
            self._file.write_bytes(data)
            return
        with self._file.open("r+b", buffering=0) as file:  # in place, because the file is mapped
            file.write(data)

    def build(self) -> None:
        """Compile the library."""
        found = compiler()
        assert found is not None, "there is no C compiler"
        words = [found, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self._library), "CLOCK_OFFSET_FILE": str(self._file)}
