"""Restore editions from a verified backup.

First everything is staged under keys that nothing reads, and that Redis deletes after an hour. Then one script per
edition puts its log in place, together with everything else, in one step. It does nothing if the log has changed since
it was read. If the command dies in between, each edition is either as before or restored: run it again.

**A restored log is a new history.** Its links begin with another nonce, so no position that any reader has is valid in
it, whatever the log has grown to since. Each reader gets a board with `reset`.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

from ticker.backup.plan import Present, RestorePlan, plan_restore
from ticker.backup.reader import BackupFile, Contents, Section
from ticker.backup.records import EditorRecord, EntryRecord, HeldRecord, ReceiptRecord, TokenRecord
from ticker.core.entry import Logged, decode_entry
from ticker.core.errors import LinkError, StoreError, SubmissionError
from ticker.core.held import decode_held, encode_held
from ticker.core.position import Position
from ticker.core.repair import confirmed_positions
from ticker.core.salvage import salvage
from ticker.store.accounts import update_api_user
from ticker.store.connection import Redis
from ticker.store.editions import decode_edition, load_edition
from ticker.store.keys import EDITIONS, TOKENS, Keys
from ticker.store.log_reader import read_items, verify_log
from ticker.store.log_repair import PREPARED_S, encode_continued, prepare_log, read_acknowledged
from ticker.store.scripts import script
from ticker.store.streams import read_last

TRIES_MOST: Final = 5
"""How often an edition is planned again if its log changes before the restored one is in place."""

STAGED_AT_ONCE: Final = 200


class Restoring(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a restore on an edition. `replaced` is the number of entries of the present log."""

    edition: str
    section: Section
    replaced: int
    plan: RestorePlan


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A restored edition, after its log was verified. `archive` is the key of the replaced log, if there was one."""

    edition: str
    position: str
    entries: int
    held: int
    archive: str | None


def check_editions(contents: Contents, names: Sequence[str]) -> list[str]:
    """Return the editions to restore: `names`, or all of the backup.

    Raises:
        StoreError: If the backup lacks one.

    """
    for name in names:
        if name not in contents.sections:
            raise StoreError(f"the backup has no edition {name}: it has {', '.join(contents.sections)}")
    return list(dict.fromkeys(names)) or list(contents.sections)


async def plan_editions(
    redis: Redis, file: BackupFile, contents: Contents, names: Sequence[str], now: datetime, *, hides: bool
) -> list[Restoring]:
    """Plan the restore of several editions: `names`, or all of the backup. Nothing is changed.

    Raises:
        StoreError: As `check_editions` and `plan_edition`.

    """
    chosen = check_editions(contents, names)
    return [await plan_edition(redis, file, contents.sections[name], now, hides=hides) for name in chosen]


async def plan_edition(redis: Redis, file: BackupFile, section: Section, now: datetime, *, hides: bool) -> Restoring:
    """Read the edition from the backup and from Redis, and plan its restore. Nothing is changed.

    Raises:
        StoreError: If this version can't read something, or the edition would change between public and test.

    """
    return (await _plan(redis, file, section, now, hides=hides))[1]


async def restore_edition(
    redis: Redis,
    file: BackupFile,
    section: Section,
    now: datetime,
    *,
    hides: bool,
    before_swap: Callable[[], Awaitable[None]] | None = None,
) -> Restored:
    """Put the edition of a backup in place, in one step, and verify it.

    `before_swap` is called when everything is staged. Tests change the log there.

    Raises:
        StoreError: As `plan_edition`, or if the log keeps changing, or doesn't verify afterwards.

    """
    name = section.edition.name
    for _ in range(TRIES_MOST):
        present, planned = await _plan(redis, file, section, now, hides=hides)
        async with _staged(redis, file, section, planned.plan) as staged:
            if before_swap is not None:
                await before_swap()
            if await _swap(redis, section, present, staged):
                await redis.sadd(EDITIONS, name)
                return await _verify(redis, present, staged, name)
    raise StoreError(
        f"the log of {name} keeps changing, so it wasn't restored: stop the desk, and run the command again"
    )


async def restore_all(
    redis: Redis, file: BackupFile, planned: Sequence[Restoring], *, tokens: Sequence[TokenRecord], hides: bool
) -> tuple[list[Restored], int]:
    """Put several editions in place, one after the other, and posting tokens.

    Return a report per edition, and the number of restored tokens.

    Raises:
        StoreError: As `restore_edition`. The editions before it stay restored.

    """
    done = [await restore_edition(redis, file, each.section, datetime.now(UTC), hides=hides) for each in planned]
    return done, await restore_tokens(redis, tokens)


async def restore_tokens(redis: Redis, tokens: Sequence[TokenRecord]) -> int:
    """Put back the posting tokens that the server lacks, with the rights of the posting part. Return their number."""
    restored = sum([await redis.hsetnx(TOKENS, token.id, token.data) for token in tokens])
    if restored:
        await update_api_user(redis)
    return restored


async def _plan(
    redis: Redis, file: BackupFile, section: Section, now: datetime, *, hides: bool
) -> tuple[Present, Restoring]:
    record = section.edition
    backup = decode_edition(record.name, record.settings, record.nonce, record.continued)
    present = await _read_present(redis, record.name)
    if present.stored is not None and present.stored.edition.test != backup.edition.test:
        kinds = ("a test edition", "public") if backup.edition.test else ("public", "a test edition")
        raise StoreError(
            f"{record.name} is {kinds[0]} in the backup and {kinds[1]} on this server: it can't be restored"
        )
    logged = _logged(file, section)
    plan = plan_restore(backup, logged, present, now, hides=hides)
    return present, Restoring(edition=record.name, section=section, replaced=present.length, plan=plan)


async def _read_present(redis: Redis, name: str) -> Present:
    keys = Keys(name)
    stored = await load_edition(redis, name)
    last = await read_last(redis, keys.log)
    items = await read_items(redis, name)
    receipts = await read_acknowledged(redis, keys)
    sound: Sequence[Logged] = ()
    if stored is not None:
        sound = salvage(stored.nonce, items, confirmed_positions(receipts)).sound
    return Present(stored, sound, receipts, "" if last is None else last[0], len(items))


def _logged(file: BackupFile, section: Section) -> list[Logged]:
    try:
        return [
            decode_entry(record.seq, record.link, record.data.encode())
            for record in file.records(section)
            if isinstance(record, EntryRecord)
        ]
    except LinkError as error:
        raise StoreError(f"the backup of {section.edition.name} can't be restored: {error}") from error


class _Staged(msgspec.Struct, frozen=True):
    """An edition under staged keys. `receipts` has the editors with receipts."""

    nonce: str
    head: Position
    entries: int
    continued: bytes
    receipts: list[str]


@asynccontextmanager
async def _staged(redis: Redis, file: BackupFile, section: Section, plan: RestorePlan) -> AsyncIterator[_Staged]:
    """Write everything under staged keys. Delete the keys that still exist at the end of the block."""
    keys, nonce = Keys(section.edition.name), secrets.token_hex(32)
    written = {keys.staged(nonce, "log")}
    try:
        link = await prepare_log(redis, keys.staged(nonce, "log"), nonce, plan.entries)
        editors = await _stage_rest(redis, file, section, nonce, written)
        head = Position.of(len(plan.entries), link)
        yield _Staged(nonce, head, len(plan.entries), encode_continued(plan.continued), editors)
    finally:
        for key in written:
            await redis.delete(key)


async def _stage_rest(redis: Redis, file: BackupFile, section: Section, nonce: str, written: set[str]) -> list[str]:
    """Stage the held items, the editors and the receipts. Return the editors that have receipts."""
    keys, batch = Keys(section.edition.name), _Batch(redis, written)
    receipts: dict[str, None] = {}
    for record in file.records(section):
        match record:
            case HeldRecord():
                await batch.add(keys.staged(nonce, "held"), record.id, _waiting(record))
            case EditorRecord():
                await batch.add(keys.staged(nonce, "editors"), record.name, record.role)
            case ReceiptRecord():
                receipts[record.editor] = None
                await batch.add_receipt(keys.staged(nonce, f"receipts:{record.editor}"), record)
            case _:
                pass
    await batch.send()
    return list(receipts)


def _waiting(record: HeldRecord) -> bytes:
    """Return a held item as it is restored: an editor must approve it, because it may have been cancelled since.

    Raises:
        StoreError: If this version can't read it.

    """
    try:
        return encode_held(msgspec.structs.replace(decode_held(record.data.encode()), overdue=True))
    except SubmissionError as error:
        raise StoreError(f"the backup can't be restored: {error}") from error


class _Batch:
    """Commands on staged keys, many per round trip. `written` gets the names of the keys."""

    def __init__(self, redis: Redis, written: set[str]) -> None:
        self._written = written
        self._pipeline: Any = redis.pipeline(transaction=False)
        self._waiting = 0

    async def add(self, key: str, name: str, value: bytes | str) -> None:
        """Set a field of a hash."""
        self._pipeline.hset(key, name, value)
        await self._added(key)

    async def add_receipt(self, key: str, record: ReceiptRecord) -> None:
        """Append a receipt to a stream, with its own id."""
        fields = {"receipt": record.receipt, "submission": record.submission, "until": record.until}
        self._pipeline.xadd(key, fields, id=record.id)
        await self._added(key)

    async def _added(self, key: str) -> None:
        self._written.add(key)
        self._pipeline.expire(key, PREPARED_S)
        self._waiting += 1
        if self._waiting >= STAGED_AT_ONCE:
            await self.send()

    async def send(self) -> None:
        """Send the commands that wait."""
        if self._waiting:
            await self._pipeline.execute()
            self._waiting = 0


async def _swap(redis: Redis, section: Section, present: Present, staged: _Staged) -> bool:
    """Put everything in place in one step. Return False if the log has changed since it was read."""
    keys, nonce = Keys(section.edition.name), "" if present.stored is None else present.stored.nonce
    names = [keys.edition, keys.log, _archive(keys, present) or keys.archive(staged.nonce)]
    names += [keys.reach, keys.bell, keys.cursors, keys.held, keys.editors]
    names += [keys.staged(staged.nonce, kind) for kind in ("log", "held", "editors")]
    for editor in staged.receipts:
        names += [keys.receipts(editor), keys.staged(staged.nonce, f"receipts:{editor}")]
    arguments = (nonce, staged.nonce, present.last_id, str(present.length), staged.continued, section.edition.settings)
    values = cast("list[str]", [*names, *arguments, *staged.receipts])
    return bool(await redis.eval(script("restore"), len(names), *values))


def _archive(keys: Keys, present: Present) -> str | None:
    """Return the key that the replaced log gets, or None without a log."""
    if not present.length:
        return None
    return keys.archive("0" * 64 if present.stored is None else present.stored.nonce)


async def _verify(redis: Redis, present: Present, staged: _Staged, name: str) -> Restored:
    try:
        verified = await verify_log(redis, name)
    except LinkError as error:
        raise StoreError(f"the restored log of {name} doesn't verify: {error}") from error
    if verified.head.seq < staged.head.seq:
        raise StoreError(f"the restored log of {name} ends at {verified.head}, and not at {staged.head}")
    return Restored(
        edition=name,
        position=str(staged.head),
        entries=staged.entries,
        held=await redis.hlen(Keys(name).held),
        archive=_archive(Keys(name), present),
    )
