"""The log's reader: entries as they lie in Redis, and the walk that checks that each follows from the one before."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from ticker.core.entry import Logged, follow
from ticker.core.errors import LinkError, StoreError
from ticker.core.position import SEQ_MAX, Position
from ticker.store.connection import BLOCK_MS, Redis
from ticker.store.editions import check_nonce, load_edition
from ticker.store.keys import Keys
from ticker.store.scripts import script
from ticker.store.streams import StreamEntry, read_last, read_range, read_streams, seq_of

PAGE: Final = 500
"""Entries a reply: some hundred kilobytes."""

_ID: Final = re.compile(r"([1-9][0-9]{0,19})-([0-9]{1,20})", re.ASCII)
_LINK: Final = re.compile(rb"[0-9a-f]{64}")


class RawEntry(msgspec.Struct, frozen=True):
    """An entry as it was found: its number, the link that it claims, and the bytes that the link is computed over."""

    seq: int
    link: str
    data: bytes


class Verified(msgspec.Struct, frozen=True):
    """What `verify_log` has walked: `first` is the oldest entry that is retained (head.seq + 1 where there is none)."""

    first: int
    head: Position

    @property
    def entries(self) -> int:
        return self.head.seq - self.first + 1


async def read_log(redis: Redis, edition: str, after: int, count: int = PAGE) -> list[RawEntry]:
    """The entries after number `after`, at most `count`.

    Where `after` has been trimmed away, they begin with the first that is left: look at the first one's number.

    Raises:
        LinkError: If one has an id that is no `<seq>-0`, or lacks its fields.

    """
    return [_parse(entry) for entry in await read_range(redis, Keys(edition).log, first=f"({after}-0", count=count)]


async def last_seq(redis: Redis, edition: str) -> int:
    """Return the number of the log's newest entry, or 0 for an empty log."""
    newest = await read_last(redis, Keys(edition).log)
    return 0 if newest is None else seq_of(newest[0])


async def tail(
    blocking_redis: Redis, edition: str, after: int, block_ms: int = BLOCK_MS, count: int = PAGE
) -> list[RawEntry]:
    """Wait for entries after number `after`; none after `block_ms`.

    A log that was begun anew with lower numbers stays silent here: who waits long compares the head (`read_log`,
    `load_edition`) now and then.

    Raises:
        LinkError: As `read_log`.

    """
    key = Keys(edition).log
    found = await read_streams(blocking_redis, {key: f"{after}-0"}, count=count, block_ms=block_ms)
    return [_parse(entry) for entry in found.get(key, ())]


async def walk_log(redis: Redis, edition: str, seq: int, link: str | None, page: int = PAGE) -> AsyncIterator[Logged]:
    """Every entry after number `seq`, whose link is `link`, each checked against the one before it.

    What was trimmed, before the walk or during it, leaves a gap before the entry that is now the oldest: that one is
    taken on trust. Entries that are appended meanwhile are walked, too.

    Raises:
        LinkError: With the number of the first entry that fails.

    """
    while entries := await read_log(redis, edition, seq, page):
        if entries[0].seq != seq + 1 and await _is_oldest(redis, edition, entries[0].seq):
            seq, link = entries[0].seq - 1, None
        for entry in entries:
            logged = check_entry(seq, link, entry)
            yield logged
            seq, link = logged.seq, logged.link


def check_entry(seq: int, link: str | None, entry: RawEntry) -> Logged:
    """Decode an entry that follows on number `seq` with the link `link` (None: unknown, it is taken on trust).

    Raises:
        LinkError: If it has another number, doesn't link, or can't be read; with the number that fails.

    """
    if entry.seq != seq + 1:
        raise LinkError(seq + 1, f"entry {seq + 1} is missing: the next in the log is {entry.seq}")
    return follow(entry.seq, link, entry.link, entry.data)


async def verify_log(redis: Redis, edition: str, page: int = PAGE) -> Verified:
    """Walk the whole log (see `walk_log`), from the edition's nonce or from the first entry that is left.

    Raises:
        LinkError: With the number of the first entry that fails.
        StoreError: If there is no such edition.

    """
    stored = await load_edition(redis, edition)
    if stored is None:
        raise StoreError(f"there is no edition {edition}: `ticker desk` makes those of its settings")
    first, head = 1, Position.of(0, stored.nonce)
    async for logged in walk_log(redis, edition, 0, stored.nonce, page):
        if logged.seq != head.seq + 1:
            first = logged.seq
        head = logged.position
    return Verified(first, head)


async def rotate(redis: Redis, edition: str, nonce: str) -> str:
    """Begin a new log with `nonce`, and keep the old one aside, in one step; give back the key that has the old one.

    Every reader is reset, and lines of the old log can't be changed any more. Cursors, receipts and what waits in
    inboxes stay.

    Raises:
        StoreError: If there is no such edition, or somebody else began a new log at the same time.

    """
    stored = await load_edition(redis, edition)
    if stored is None:
        raise StoreError(f"there is no edition {edition}: nothing to rotate")
    keys = Keys(edition)
    archive = keys.archive(stored.nonce)
    names = (keys.edition, keys.log, archive)
    rotated = await redis.eval(script("rotate"), len(names), *names, stored.nonce, check_nonce(nonce))
    if not rotated:
        raise StoreError(f"edition {edition} was rotated by somebody else at the same time: look before you repeat it")
    return archive


async def _is_oldest(redis: Redis, edition: str, seq: int) -> bool:
    oldest = await read_log(redis, edition, 0, 1)
    return bool(oldest) and oldest[0].seq == seq


def _parse(entry: StreamEntry) -> RawEntry:
    stream_id, fields = entry
    match = _ID.fullmatch(stream_id)
    seq = int(match[1]) if match else 0
    if match is None or match[2] != "0" or seq > SEQ_MAX:
        raise LinkError(seq, f"the log has an entry {stream_id}, which is no <seq>-0: it was not written by a desk")
    data, link = fields.get(b"entry"), fields.get(b"link")
    if data is None or link is None or _LINK.fullmatch(link) is None:
        raise LinkError(seq, f"entry {seq} lacks its fields: it was not written by a desk")
    return RawEntry(seq, link.decode(), data)
