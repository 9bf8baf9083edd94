"""Write a backup file. It gets its name when it is complete.

A backup contains notes for staff and texts that aren't public. So only its owner may read it (mode 0600).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from ticker.backup.records import LINE_BYTES, Digest, End, Record, encode_record
from ticker.core.errors import StoreError


class Mark(NamedTuple):
    """A place in a file that is being written."""

    offset: int
    records: int
    digest: Digest


class BackupWriter:
    """Writes a backup. Use it as a context manager: the file has its name only if the block ends without an error.

    Until then, the records are in a file beside it with another name. A backup that was there before is replaced in one
    step, or stays as it was.

    Attributes:
        bytes: The size of the file so far.

    Raises:
        StoreError: If the file can't be written.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft: Path | None = None
        self._file: BinaryIO | None = None
        self._records = 0
        self._digest: Digest = sha256()
        self.bytes = 0

    def __enter__(self) -> Self:
        try:
            if self._path.is_dir():
                raise StoreError(f"{self._path} is a folder: name a file for the backup")
            # Only the owner may read what mkstemp creates.
            descriptor, draft = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        except OSError as error:
            raise self._failure(error) from error
        self._draft, self._file = Path(draft), os.fdopen(descriptor, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._draft is not None
        assert self._file is not None
        try:
            if kind is None:
                self._finish(self._draft, self._file)
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            with suppress(OSError):  # it flushes its buffer, which fails again after a failure
                self._file.close()
            self._draft.unlink(missing_ok=True)

    def write(self, record: Record) -> None:
        """Append a record."""
        line = encode_record(record)
        if len(line) > LINE_BYTES:
            raise StoreError(f"a record has {len(line):,} bytes, more than the {LINE_BYTES:,} of a backup")
        self._digest.update(line)
        self._records += 1
        self._write(line)

    def mark(self) -> Mark:
        """Return this place in the file, for `rewind`."""
        return Mark(self.bytes, self._records, self._digest.copy())

    def rewind(self, mark: Mark) -> None:
        """Remove everything that was written since."""
        assert self._file is not None
        try:
            self._file.seek(mark.offset)
            self._file.truncate()
        except OSError as error:
            raise self._failure(error) from error
        self.bytes = mark.offset
        self._records, self._digest = mark.records, mark.digest.copy()

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(data)
            self.bytes += len(data)
        except OSError as error:
            raise self._failure(error) from error

    def _finish(self, draft: Path, file: BinaryIO) -> None:
        self._write(encode_record(End(records=self._records, sha256=self._digest.hexdigest())))
        file.flush()
        os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name is on disk, too
        finally:
            os.close(folder)

    def _failure(self, error: OSError) -> StoreError:
        return StoreError(f"the backup can't be written to {self._path}: {error.strerror}")
