"""Redis servers that fault schedules can break: changed clock, full disk, shortened append-only file."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from tests.support.servers import RedisServer

DISK_BYTES: Final = 2 * 1024 * 1024


class Server(RedisServer):
    """A Redis server whose command line starts with `prefix`, for example `env NAME=VALUE`."""

    def __init__(self, folder: Path, *, prefix: Sequence[str], options: Mapping[str, str | int]) -> None:
        super().__init__(folder, tcp=True, options=options)
        self._prefix = list(prefix)

    def _words(self) -> list[str]:
        return [*self._prefix, *super()._words()]

    @property
    def append_only_folder(self) -> Path:
        return self.dir / "appendonlydir"

    def shorten(self, size: int) -> None:
        """Cut `size` bytes off the append-only file, as if the machine had lost power before they were on the disk."""
        newest = max(self.append_only_folder.glob("*.incr.aof"))
        with newest.open("r+b") as file:
            file.truncate(max(0, newest.stat().st_size - size))


class SmallDisk:
    """A folder with little room: a tmpfs if we may mount one, otherwise a limit on the size of the server's files.

    On a tmpfs the server gets ENOSPC, the error of a full disk. Without the right to mount, RLIMIT_FSIZE makes the next
    write fail with EFBIG. The server then starts with SIGXFSZ ignored, because that signal would end it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_mounted = False
        self._ballast = folder / "ballast"

    @property
    def command_prefix(self) -> Sequence[str]:
        return () if self.is_mounted else ("env", "--ignore-signal=XFSZ")

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self.folder)]
        with suppress(OSError):
            self.is_mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True, capture_output=True)

    def fill(self, server: RedisServer) -> None:
        """Leave no room for another write."""
        if not self.is_mounted:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            return
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def free(self, server: RedisServer) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)
        if not self.is_mounted and server.process is not None:
            with suppress(ProcessLookupError):
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
