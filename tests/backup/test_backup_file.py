"""Backup files: complete and verified, or refused; readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ticker.backup.reader import BackupFile, Contents
from ticker.backup.records import (
    VERSION,
    EditionRecord,
    End,
    EntryRecord,
    Header,
    HeldRecord,
    Record,
    TokenRecord,
    encode_record,
)
from ticker.backup.writer import BackupWriter
from ticker.core.errors import StoreError
from ticker.core.position import next_link

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NONCE = "ab" * 32


def records(entries: int = 3) -> list[Record]:
    """Return the records of a backup with one edition, without the end."""
    log, link = list[Record](), NONCE
    for seq in range(1, entries + 1):
        data = f'{{"entry":{seq}}}'
        link = next_link(link, data.encode())
        log.append(EntryRecord(seq=seq, link=link, data=data))
    edition = EditionRecord(name="en", settings="{}", nonce=NONCE, first=1, head=entries, link=link, taken_at=NOW)
    header = Header(version=VERSION, software="0.1", created_at=NOW, editions=("en",))
    return [header, edition, HeldRecord(id="h1", data="{}"), *log, TokenRecord(id="t1", data="{}")]


def save(path: Path, written: list[Record]) -> Path:
    with BackupWriter(path) as writer:
        for record in written:
            writer.write(record)
    return path


def check(path: Path) -> Contents:
    with BackupFile(path) as file:
        return file.check()


def test_a_backup_is_read_as_it_was_written_and_only_by_its_owner(tmp_path: Path) -> None:
    path = save(tmp_path / "a.backup", records())
    contents = check(path)
    section = contents.sections["en"]
    assert (section.entries, section.held, contents.header.created_at) == (3, 1, NOW)
    assert [token.id for token in contents.tokens] == ["t1"]
    assert (path.stat().st_mode & 0o777, contents.is_open) == (0o600, False)
    with BackupFile(path) as file:
        assert list(file.records(section)) == records()[2:6]
    path.chmod(0o640)
    assert check(path).is_open


def test_a_backup_that_was_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.backup", records()).read_bytes()
    cut = tmp_path / "cut.backup"
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    for length in sorted({each + more for each in ends for more in (-1, 0, 1)} - {len(whole)}):
        cut.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"cut off|is empty|isn't a backup"):
            check(cut)


def test_a_backup_with_one_changed_byte_is_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.backup", records()).read_bytes()
    changed = tmp_path / "changed.backup"
    for place in range(0, len(whole), 7):
        changed.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        with pytest.raises(StoreError):
            check(changed)


def test_a_backup_with_a_right_checksum_and_a_wrong_log_is_refused(tmp_path: Path) -> None:
    for number, message in ((3, "doesn't link"), (5, "newest entries")):
        written = records()
        del written[number]
        with pytest.raises(StoreError, match=message):
            check(save(tmp_path / "a.backup", written))


def test_a_backup_of_a_newer_format_names_the_version_that_reads_it(tmp_path: Path) -> None:
    header = Header(version=VERSION + 1, software="7.0", created_at=NOW, editions=("en",))
    with pytest.raises(StoreError, match=r"format 2.*use Ticker 7\.0"):
        check(save(tmp_path / "a.backup", [header]))


def test_anything_after_the_end_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.backup", records())
    with path.open("ab") as file:
        file.write(encode_record(End(records=0, sha256="")))
    with pytest.raises(StoreError, match="after its end"):
        check(path)


def test_a_failed_backup_keeps_the_one_before_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.backup", records())
    before = path.read_bytes()

    def fail() -> None:
        with BackupWriter(path) as writer:
            writer.write(records()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.backup"]


def test_a_full_disk_is_named_and_keeps_the_backup_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.backup", records())
    before = path.read_bytes()
    make = tempfile.mkstemp

    def full(prefix: str, dir: Path) -> tuple[int, str]:  # noqa: A002
        descriptor, name = make(prefix=prefix, dir=dir)
        os.close(descriptor)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(StoreError, match=r"can't be written to .*: No space left"):
        save(path, records())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.backup"]


def test_an_edition_is_written_again_after_a_rewind(tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    with BackupWriter(path) as writer:
        header, *rest = records()
        writer.write(header)
        mark = writer.mark()
        for record in rest[:3]:
            writer.write(record)
        writer.rewind(mark)
        for record in rest:
            writer.write(record)
    assert path.read_bytes() == save(tmp_path / "b.backup", records()).read_bytes()


def test_a_backup_that_is_changed_between_check_and_use_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.backup", records())
    with BackupFile(path) as file:
        section = file.check().sections["en"]
        changed = path.read_bytes().replace(b'"id":"h1"', b'"id":"h2"')
        path.write_bytes(changed)
        with pytest.raises(StoreError, match="was changed while"):
            list(file.records(section))


def test_no_error_quotes_a_record(tmp_path: Path) -> None:
    path = save(tmp_path / "a.backup", records())
    path.write_bytes(path.read_bytes().replace(b'"data":"{}"', b'"data":SECRET'))
    with pytest.raises(StoreError) as caught:
        check(path)
    assert "SECRET" not in str(caught.value)
    assert msgspec.json.encode({"kind": "held"}).decode() not in str(caught.value)
