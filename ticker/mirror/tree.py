"""The folder of a mirror: its files change atomically, and other files are removed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from ticker.core.errors import SettingsError
from ticker.store.file_lock import FileLock

MARK: Final = ".ticker-mirror"
"""The file that marks a folder as a mirror's own. It is also the lock."""
_NEW: Final = ".ticker-new"
"""The name of a file that is being written."""


class Tree:
    """The files below a folder, which belongs to one mirror. Paths are relative and have `/` between the parts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / MARK)

    def __enter__(self) -> Self:
        """Make the folder if it doesn't exist, and lock it.

        Raises:
            SettingsError: If the folder has other files, or another mirror writes into it.

        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / MARK).exists() and any(self.folder.iterdir()):
            raise SettingsError(f"{self.folder} has other files: a mirror needs an empty folder, or one of its own")
        if not self._lock.acquire():
            raise SettingsError(f"another `ticker mirror` writes into {self.folder}: stop it, or choose another folder")
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def write(self, path: str, content: bytes) -> None:
        """Replace a file, unless it has this content. A reader gets the old file or the new one, never a part."""
        file = self.folder / path
        with suppress(OSError):
            if file.read_bytes() == content:
                return
        file.parent.mkdir(parents=True, exist_ok=True)
        new = self.folder / _NEW
        new.write_bytes(content)
        new.chmod(0o644)
        new.replace(file)

    def remove(self, path: str) -> None:
        """Remove a file if it is there, and the folders that become empty."""
        file = self.folder / path
        with suppress(FileNotFoundError, NotADirectoryError):
            file.unlink()
        for folder in file.parents:
            if folder == self.folder:
                break
            try:
                folder.rmdir()
            except OSError:  # it isn't empty
                break

    def paths(self, under: str = "") -> set[str]:
        """Return the paths of all files that begin with `under`, without the mark."""
        files = (file for file in self.folder.rglob("*") if file.is_file() or file.is_symlink())
        paths = {file.relative_to(self.folder).as_posix() for file in files}
        return {path for path in paths if path != MARK and path.startswith(under)}
