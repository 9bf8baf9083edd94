"""A lock on a file that child processes inherit."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive lock on a file. Each process with a copy of the descriptor holds it, until all copies are closed.

    It uses `flock` and not `lockf`: child processes don't inherit a `lockf` lock, and closing any descriptor of the
    file releases it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting. Return False if another process holds it."""
        assert self._descriptor is None
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def fileno(self) -> int:
        """Return the descriptor that holds the lock, for a child process to inherit."""
        assert self._descriptor is not None
        return self._descriptor

    def sign(self) -> None:
        """Write our process id into the file, for processes that find it locked."""
        os.ftruncate(self.fileno(), 0)
        os.pwrite(self.fileno(), f"{os.getpid()}\n".encode(), 0)

    def holder(self) -> str:
        """Return the process id that `sign` wrote, or `unknown`."""
        return self._path.read_text(encoding="ascii", errors="replace").strip() or "unknown"

    def release(self) -> None:
        """Close our copy of the descriptor, if there is one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
