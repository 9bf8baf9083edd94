"""Save editions to a backup: each as it is at one moment, while the desk and the gateways go on.

One script reads the held items, the editors and the ends of all streams of an edition in one step. The log and the
receipts up to there are read afterwards, because entries never change. If the desk trims an entry before it is read,
the edition is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ticker.backup.records import (
    VERSION,
    EditionRecord,
    EditorRecord,
    EntryRecord,
    Header,
    HeldRecord,
    ReceiptRecord,
    TokenRecord,
)
from ticker.backup.writer import BackupWriter
from ticker.core.errors import LinkError, StoreError
from ticker.store.connection import Redis
from ticker.store.editions import edition_names
from ticker.store.keys import TOKENS, Keys
from ticker.store.log_reader import check_entry, read_log
from ticker.store.receipts import RECEIPTS_PAGE
from ticker.store.replies import as_text
from ticker.store.scripts import script
from ticker.store.streams import START, read_range, seq_of

TRIES_MOST: Final = 5
"""How often an edition is read if its log changes meanwhile in another way than by new entries."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of an edition's records in a backup, and the position of its newest entry."""

    edition: str
    entries: int
    held: int
    editors: int
    receipts: int
    position: str


class _Snapshot(msgspec.Struct, frozen=True):
    """An edition at one moment. `receipts` has the id of the newest receipt of each editor."""

    record: EditionRecord
    held: dict[str, str]
    editors: dict[str, str]
    receipts: dict[str, str]


async def save_backup(
    redis: Redis, writer: BackupWriter, editions: Sequence[str], now: datetime, software: str
) -> list[Saved]:
    """Write a backup of `editions`, or of all if none is given, and of the posting tokens.

    Raises:
        StoreError: If an edition doesn't exist or its log is damaged, or the file can't be written.

    """
    existing = await edition_names(redis)
    if unknown := [each for each in editions if each not in existing]:
        raise StoreError(f"there is no edition {unknown[0]}: the editions are {', '.join(existing) or 'none yet'}")
    names = tuple(editions) or tuple(existing)
    if not names:
        raise StoreError("there is no edition yet, so there is nothing to back up")
    writer.write(Header(version=VERSION, software=software, created_at=now, editions=names))
    saved = [await _save_edition(redis, writer, name) for name in names]
    for token, data in sorted((await redis.hgetall(TOKENS)).items()):
        writer.write(TokenRecord(id=_text(token), data=_text(data)))
    return saved


async def _save_edition(redis: Redis, writer: BackupWriter, name: str) -> Saved:
    mark, tries = writer.mark(), 0
    while True:
        snapshot = await _snapshot(redis, name)
        try:
            return await _write(redis, writer, snapshot)
        except LinkError as error:
            tries += 1
            if tries >= TRIES_MOST:
                raise StoreError(
                    f"the log of {name} is damaged, so there is no good backup of it: {error}. See what can be kept: "
                    f"ticker repair {name} --dry-run"
                ) from error
            writer.rewind(mark)


async def _snapshot(redis: Redis, name: str) -> _Snapshot:
    keys = Keys(name)
    answered = {as_text(editor) for editor in await redis.hkeys(keys.cursors)}
    answered |= {as_text(editor) for editor in await redis.hkeys(keys.editors)}
    names = [keys.edition, keys.log, keys.held, keys.editors, *map(keys.receipts, sorted(answered))]
    reply: Any = await redis.eval(script("snapshot"), len(names), *names)
    settings, nonce, continued, first, last, link = map(_text, reply[:6])
    if not settings or not nonce:
        raise StoreError(f"there is no edition {name}: it was removed while it was read")
    head = seq_of(last) if last else 0
    record = EditionRecord(
        name=name,
        settings=settings,
        nonce=nonce,
        continued=continued,
        first=seq_of(first) if first else 1,
        head=head,
        link=link or nonce,
        taken_at=datetime.fromtimestamp(int(reply[9]) / 1000, UTC),
    )
    newest = zip(sorted(answered), map(_text, reply[8]), strict=True)
    return _Snapshot(record, _fields(reply[6]), _fields(reply[7]), {editor: last for editor, last in newest if last})


async def _write(redis: Redis, writer: BackupWriter, snapshot: _Snapshot) -> Saved:
    record = snapshot.record
    writer.write(record)
    for editor, role in sorted(snapshot.editors.items()):
        writer.write(EditorRecord(name=editor, role=role))
    for held, data in sorted(snapshot.held.items()):
        writer.write(HeldRecord(id=held, data=data))
    await _write_log(redis, writer, record)
    receipts = 0
    for editor, last in sorted(snapshot.receipts.items()):
        receipts += await _write_receipts(redis, writer, record.name, editor, last)
    return Saved(
        edition=record.name,
        entries=record.head - record.first + 1,
        held=len(snapshot.held),
        editors=len(snapshot.editors),
        receipts=receipts,
        position=f"{record.head}-{record.link[:16]}",
    )


async def _write_log(redis: Redis, writer: BackupWriter, record: EditionRecord) -> None:
    """Write the entries up to the head of the snapshot.

    Raises:
        LinkError: If one doesn't link, or was trimmed before it was read.

    """
    seq, link = record.first - 1, record.nonce if record.first == 1 else None
    while seq < record.head:
        page = await read_log(redis, record.name, seq)
        if not page:
            raise LinkError(seq + 1, f"entry {seq + 1} is missing")
        for entry in page:
            logged = check_entry(seq, link, entry)
            seq, link = logged.seq, logged.link
            writer.write(EntryRecord(seq=seq, link=link, data=_text(entry.data)))
            if seq == record.head:
                break
    if link is not None and link != record.link:
        raise LinkError(seq, f"entry {seq} was replaced while the log was read")


async def _write_receipts(redis: Redis, writer: BackupWriter, edition: str, editor: str, last: str) -> int:
    """Write an editor's receipts up to the id `last`, and return their number."""
    count, after = 0, START
    while page := await read_range(
        redis, Keys(edition).receipts(editor), first=f"({after}", last=last, count=RECEIPTS_PAGE
    ):
        for stream_id, fields in page:
            receipt, submission, until = (
                _text(fields.get(name, b"")) for name in (b"receipt", b"submission", b"until")
            )
            writer.write(
                ReceiptRecord(editor=editor, id=stream_id, receipt=receipt, submission=submission, until=until)
            )
        count += len(page)
        after = page[-1][0]
    return count


def _fields(reply: Any) -> dict[str, str]:
    """Return fields and values of a hash: a script's reply is a list of both, and a map with a newer protocol."""
    if isinstance(reply, dict):
        return {_text(name): _text(value) for name, value in reply.items()}
    return {_text(name): _text(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}


def _text(value: object) -> str:
    """Return stored bytes as text, without a change.

    Raises:
        StoreError: If they aren't text: no version of Ticker wrote them.

    """
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise StoreError(
            "something in Redis isn't text, so no version of Ticker wrote it: see `ticker verify`"
        ) from error
