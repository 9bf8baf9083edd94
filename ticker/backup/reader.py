"""Read a backup file. All of it is verified before any of it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from ticker.backup.records import (
    LINE_BYTES,
    VERSION,
    AnyRecord,
    Digest,
    EditionRecord,
    EditorRecord,
    End,
    EntryRecord,
    Header,
    HeldRecord,
    ReceiptRecord,
    TokenRecord,
    decode_record,
)
from ticker.core.errors import StoreError
from ticker.core.position import next_link

_OTHERS: Final = 0o077


class Section(msgspec.Struct, kw_only=True):
    """The records of one edition in the file. They begin at `offset`, and their bytes have the hash `sha256`."""

    edition: EditionRecord
    offset: int
    lines: int = 0
    entries: int = 0
    held: int = 0
    editors: int = 0
    receipts: int = 0
    sha256: str = ""


class Contents(msgspec.Struct, frozen=True):
    """The contents of a verified backup. `is_open` is true if other users may read the file."""

    header: Header
    sections: dict[str, Section]
    tokens: list[TokenRecord]
    bytes: int
    is_open: bool


class BackupFile:
    """A backup that is open for reading. Use it as a context manager.

    Raises:
        StoreError: If the file can't be opened.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise StoreError(f"the backup {self._path} can't be read: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()

    def check(self) -> Contents:
        """Verify the whole file, and return its contents. The memory of one record is enough.

        Raises:
            StoreError: If the file isn't a backup, was cut off, or was changed.

        """
        assert self._file is not None
        check = _Check(self._path)
        self._file.seek(0)
        for line in self._lines():
            check.add(line)
        mode = os.fstat(self._file.fileno()).st_mode
        return check.finish(is_open=bool(mode & _OTHERS))

    def records(self, section: Section) -> Iterator[AnyRecord]:
        """Yield the records of an edition, without the first.

        Raises:
            StoreError: At the end, if they changed after `check`.

        """
        assert self._file is not None
        digest, offset = sha256(), section.offset
        for number in range(section.lines):
            self._file.seek(offset)  # two editions may be read in turns
            line = self._file.readline(LINE_BYTES + 1)
            offset += len(line)
            digest.update(line)
            yield decode_record(line, number)
        if digest.hexdigest() != section.sha256:
            raise StoreError(f"the backup {self._path} was changed while it was read: nothing was restored from it")

    def _lines(self) -> Iterator[bytes]:
        assert self._file is not None
        try:
            while line := self._file.readline(LINE_BYTES + 1):
                yield line
        except OSError as error:
            raise StoreError(f"the backup {self._path} can't be read: {error.strerror}") from error


class _Check:
    """The state of a check between two lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header: Header | None = None
        self._end: End | None = None
        self._sections: dict[str, Section] = {}
        self._tokens: list[TokenRecord] = []
        self._section: Section | None = None
        self._section_digest: Digest = sha256()
        self._digest: Digest = sha256()
        self._records = self._bytes = 0
        self._seq, self._link = 0, ""

    def add(self, line: bytes) -> None:
        """Check the next line.

        Raises:
            StoreError: If it can't come here.

        """
        if self._end is not None:
            raise self._error("has something after its end")
        if self._header is None:
            self._header = self._first(line)
        else:
            if not line.endswith(b"\n"):
                raise self._error("was cut off")
            record = decode_record(line, self._records + 1)
            if isinstance(record, End):
                self._end = record
                self._bytes += len(line)
                return
            self._follow(record, line)
        self._digest.update(line)
        self._records += 1
        self._bytes += len(line)

    def _first(self, line: bytes) -> Header:
        if not line.startswith(b'{"kind":"ticker-backup"'):
            raise StoreError(f"{self._path} isn't a backup of Ticker")
        if not line.endswith(b"\n"):
            raise self._error("was cut off")
        header = decode_record(line, 1)
        assert isinstance(header, Header)
        if header.version != VERSION:
            raise self._error(
                f"has the format {header.version}, and this version of Ticker reads {VERSION}: use Ticker "
                f"{header.software}"
            )
        return header

    def _follow(self, record: AnyRecord, line: bytes) -> None:
        if isinstance(record, EditionRecord):
            self._end_section()
            if record.name in self._sections:
                raise self._error(f"has the edition {record.name} twice")
            self._section = self._sections[record.name] = Section(edition=record, offset=self._bytes + len(line))
            self._section_digest = sha256()
            self._seq, self._link = record.first - 1, record.nonce if record.first == 1 else ""
            return
        if isinstance(record, TokenRecord):
            self._end_section()
            self._tokens.append(record)
            return
        section = self._section
        if section is None:
            raise self._error("has a record that belongs to no edition")
        section.lines += 1
        self._section_digest.update(line)
        match record:
            case EntryRecord():
                section.entries += 1
                self._check_link(record)
            case HeldRecord():
                section.held += 1
            case EditorRecord():
                section.editors += 1
            case ReceiptRecord():
                section.receipts += 1
            case _:
                raise self._error("has two headers")

    def _check_link(self, record: EntryRecord) -> None:
        follows = not self._link or next_link(self._link, record.data.encode()) == record.link
        if record.seq != self._seq + 1 or not follows:
            assert self._section is not None
            raise self._error(f"has an entry {record.seq} of {self._section.edition.name} that doesn't link")
        self._seq, self._link = record.seq, record.link

    def _end_section(self) -> None:
        section, self._section = self._section, None
        if section is None:
            return
        section.sha256 = self._section_digest.hexdigest()
        if (self._seq, self._link) != (section.edition.head, section.edition.link):
            raise self._error(f"lacks the newest entries of {section.edition.name}")

    def finish(self, *, is_open: bool) -> Contents:
        """Return the contents of a file that ends here."""
        if self._header is None:
            raise StoreError(f"{self._path} is empty")
        if self._end is None:
            raise self._error("was cut off")
        self._end_section()
        if self._end.records != self._records or self._end.sha256 != self._digest.hexdigest():
            raise self._error("isn't as it was written: its checksum is wrong")
        if tuple(self._sections) != self._header.editions:
            raise self._error("lacks an edition")
        return Contents(self._header, self._sections, self._tokens, self._bytes, is_open)

    def _error(self, what: str) -> StoreError:
        return StoreError(f"the backup {self._path} {what}: nothing was restored from it")
