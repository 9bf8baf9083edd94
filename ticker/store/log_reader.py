"""Read, verify and rotate logs. Each entry's link is checked against the entry before it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import msgspec

from ticker.core.entry import Logged, RawEntry, follow
from ticker.core.errors import LinkError, StoreError
from ticker.core.position import SEQ_MAX, Position
from ticker.store.editions import check_nonce, load_edition
from ticker.store.keys import Keys, keys_of
from ticker.store.scripts import script
from ticker.store.streams import StreamEntry, read_last, read_range, read_streams, seq_of
from ticker.store.timeouts import BLOCK_MS

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis

PAGE: Final = 500
"""Entries per reply: some hundred kilobytes."""

_ID: Final = re.compile(r"([1-9][0-9]{0,19})-([0-9]{1,20})", re.ASCII)
_LINK: Final = re.compile(rb"[0-9a-f]{64}")


class Verified(msgspec.Struct, frozen=True):
    """The result of `verify_log`. `first` is the oldest retained entry, or head.seq + 1 for an empty log."""

    first: int
    head: Position

    @property
    def entries(self) -> int:
        return self.head.seq - self.first + 1


async def read_log(redis: AnyRedis, edition: str, after: int, count: int = PAGE) -> list[RawEntry]:
    """Return at most `count` entries after number `after`.

    If entries after `after` were trimmed, the result begins with the oldest retained entry: check its number.

    Raises:
        LinkError: If an entry's id isn't `<seq>-0`, or a field is missing.

    """
    return [_parse(entry) for entry in await read_range(redis, Keys(edition).log, first=f"({after}-0", count=count)]


async def last_seq(redis: AnyRedis, edition: str) -> int:
    """Return the number of the log's newest entry, or 0 for an empty log."""
    newest = await read_last(redis, Keys(edition).log)
    return 0 if newest is None else seq_of(newest[0])


async def tail(
    blocking_redis: Redis, edition: str, after: int, block_ms: int = BLOCK_MS, count: int = PAGE
) -> list[RawEntry]:
    """Wait for entries after number `after`. Return an empty list after `block_ms`.

    If the log was rotated, its new entries have lower numbers and don't show up here. A caller that gets none for long
    must check that the log is still the same (`read_log`, `load_edition`).

    Raises:
        LinkError: As `read_log`.

    """
    key = Keys(edition).log
    found = await read_streams(blocking_redis, {key: f"{after}-0"}, count=count, block_ms=block_ms)
    return [_parse(entry) for entry in found.get(key, ())]


async def listen(
    blocking_redis: Redis, edition: str, after: int, bell: str, block_ms: int = BLOCK_MS
) -> tuple[list[RawEntry], str]:
    """Wait as `tail` does, and also until the bell rings after id `bell`. Return the entries and the last ring's id.

    After a ring, the entries may be of another history: load the edition again.

    Raises:
        LinkError: As `read_log`, unless the bell has rung.

    """
    keys = keys_of(edition)
    streams = {keys.log: f"{after}-0", keys.bell: bell}
    found = await read_streams(blocking_redis, streams, count=PAGE, block_ms=block_ms)
    if rings := found.get(keys.bell):
        return [], rings[-1][0]
    return [_parse(entry) for entry in found.get(keys.log, ())], bell


async def walk_log(redis: Redis, edition: str, seq: int, link: str | None, page: int = PAGE) -> AsyncIterator[Logged]:
    """Yield every entry after number `seq`, and check each against the one before it. `link` is the link of `seq`.

    If entries were trimmed, before the walk or during it, the walk continues with the oldest retained entry. Its
    link can't be checked. Entries that are appended during the walk are included.

    Raises:
        LinkError: With the number of the first entry that fails.

    """
    while entries := await read_log(redis, edition, seq, page):
        if entries[0].seq != seq + 1 and await _was_trimmed_before(redis, edition, entries[0].seq):
            seq, link = entries[0].seq - 1, None
        for entry in entries:
            logged = check_entry(seq, link, entry)
            yield logged
            seq, link = logged.seq, logged.link


async def read_items(redis: Redis, edition: str) -> list[RawEntry | LinkError]:
    """Return all items of a log, which may be damaged, in order. A LinkError is an item that can't be an entry.

    An entry without a valid link has the link "".
    """
    items, after = list[RawEntry | LinkError](), "-"
    while page := await read_range(redis, Keys(edition).log, first=after, count=PAGE):
        items += [_parse_damaged(entry) for entry in page]
        after = f"({page[-1][0]}"
    return items


def check_entry(seq: int, link: str | None, entry: RawEntry) -> Logged:
    """Decode the entry after number `seq`, and check its link against `link`. None skips the check.

    Raises:
        LinkError: If it has another number or link, or can't be decoded. It has the number that fails.

    """
    if entry.seq != seq + 1:
        raise LinkError(seq + 1, f"entry {seq + 1} is missing: the next in the log is {entry.seq}")
    return follow(entry.seq, link, entry.link, entry.data)


async def verify_log(redis: Redis, edition: str, page: int = PAGE) -> Verified:
    """Walk the whole log (see `walk_log`), from the edition's nonce or from the oldest retained entry.

    Raises:
        LinkError: With the number of the first entry that fails.
        StoreError: If the edition doesn't exist.

    """
    stored = await load_edition(redis, edition)
    if stored is None:
        raise StoreError(f"there is no edition {edition}: `ticker desk` creates those of its settings")
    first, head = 1, Position.of(0, stored.nonce)
    async for logged in walk_log(redis, edition, 0, stored.nonce, page):
        if logged.seq != head.seq + 1:
            first = logged.seq
        head = logged.position
    return Verified(first, head)


async def rotate(redis: Redis, edition: str, nonce: str) -> str:
    """Begin a new log with `nonce`, and rename the old one, in one step. Return the key of the old log.

    Every reader is reset, and lines of the old log can't be changed any more. Cursors, receipts and inboxes stay.

    Raises:
        StoreError: If the edition doesn't exist, or somebody else rotated the log at the same time.

    """
    stored = await load_edition(redis, edition)
    if stored is None:
        raise StoreError(f"there is no edition {edition}: nothing to rotate")
    keys = Keys(edition)
    archive = keys.archive(stored.nonce)
    names = (keys.edition, keys.log, archive, keys.reach, keys.bell, keys.archive(nonce))
    rotated = await redis.eval(script("rotate"), len(names), *names, stored.nonce, check_nonce(nonce), "", "", "")
    if not rotated:
        raise StoreError(
            f"somebody else rotated the log of {edition} at the same time: check it before you rotate it again"
        )
    return archive


async def _was_trimmed_before(redis: Redis, edition: str, seq: int) -> bool:
    """Return whether a desk has trimmed all entries before `seq`. By now, it may have trimmed `seq` as well."""
    oldest = await read_log(redis, edition, 0, 1)
    return bool(oldest) and oldest[0].seq >= seq


def _parse(entry: StreamEntry) -> RawEntry:
    raw = _parse_damaged(entry)
    if isinstance(raw, LinkError):
        raise raw
    if not raw.link:
        raise _invalid_fields(raw.seq)
    return raw


def _parse_damaged(entry: StreamEntry) -> RawEntry | LinkError:
    stream_id, fields = entry
    match = _ID.fullmatch(stream_id)
    seq = int(match[1]) if match else 0
    if match is None or match[2] != "0" or seq > SEQ_MAX:
        return LinkError(seq, f"the log has an entry with the id {stream_id}, not <seq>-0: no desk wrote it")
    data, link = fields.get(b"entry"), fields.get(b"link")
    if data is None:
        return _invalid_fields(seq)
    return RawEntry(seq, link.decode() if link is not None and _LINK.fullmatch(link) else "", data)


def _invalid_fields(seq: int) -> LinkError:
    return LinkError(seq, f"entry {seq} has no valid fields: no desk wrote it")
