"""Repair a damaged log: read its sound entries, and replace the log by a new history."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from ticker.core.board import Board
from ticker.core.entry import Entry, encode_entry
from ticker.core.errors import StoreError
from ticker.core.position import next_link
from ticker.core.repair import Acknowledged, RepairPlan, confirmed_positions, plan_repair
from ticker.core.salvage import salvage
from ticker.core.submission import ReceiptStatus
from ticker.store.connection import Redis
from ticker.store.editions import NOTHING_CONTINUED, Continued, StoredEdition, load_edition
from ticker.store.editors import roles
from ticker.store.keys import Keys
from ticker.store.log_reader import read_items
from ticker.store.receipts import RECEIPTS_PAGE, parse_receipt
from ticker.store.replies import as_text
from ticker.store.scripts import script
from ticker.store.streams import START, read_last, read_range

PREPARED_S: Final = 3600
"""Seconds after which Redis deletes a prepared log, if the repair dies before it puts the log in place."""

BATCH_BYTES: Final = 512 * 1024
"""Bytes of entries per script call. Redis's `client-query-buffer-limit` may be as low as 4 MB."""


class Damaged(msgspec.Struct, frozen=True):
    """A log as it was read, and the plan of its repair. `last_id` and `length` show whether it changed since."""

    stored: StoredEdition
    plan: RepairPlan
    held: int
    last_id: str
    length: int

    @property
    def board(self) -> Board:
        """The board after the repair."""
        board = Board()
        for entry in self.plan.entries:
            board.apply(entry)
        return board

    @property
    def continued(self) -> Continued:
        """The histories whose receipts still answer their keys after the repair."""
        if not self.plan.kept:
            return NOTHING_CONTINUED
        before = self.stored.continued
        return Continued((*before.histories, self.stored.history), before.lost | self.plan.lost_positions)


def encode_continued(continued: Continued) -> bytes:
    """Return the stored form of the continued histories, or no bytes for an empty list."""
    return msgspec.json.encode(continued) if continued.histories else b""


async def inspect_log(redis: Redis, edition: str) -> Damaged:
    """Read a log and all receipts, and plan the repair. Nothing is changed.

    Raises:
        StoreError: If the edition doesn't exist.

    """
    stored = await load_edition(redis, edition)
    if stored is None:
        raise StoreError(f"there is no edition {edition}: `ticker desk` creates those of its settings")
    keys = Keys(edition)
    last = await read_last(redis, keys.log)
    items = await read_items(redis, edition)
    receipts = await read_acknowledged(redis, keys)
    salvaged = salvage(stored.nonce, items, confirmed_positions(receipts))
    plan = plan_repair(stored.nonce, salvaged, receipts)
    held = await redis.hlen(keys.held)
    return Damaged(stored, plan, held, START if last is None else last[0], len(items))


async def repair_log(redis: Redis, damaged: Damaged) -> str:
    """Put the planned history in place of the damaged log, in one step. Return the key of the old log.

    Every reader gets a new board. Cursors, receipts, inboxes and held items stay.

    Raises:
        StoreError: If the log has changed since it was read. Nothing was changed then.

    """
    edition, nonce = damaged.stored.name, secrets.token_hex(32)
    keys = Keys(edition)
    archive, prepared = keys.archive(damaged.stored.nonce), keys.archive(nonce)
    await prepare_log(redis, prepared, nonce, damaged.plan.entries)
    names = (keys.edition, keys.log, archive, keys.reach, keys.bell, prepared)
    arguments = (damaged.stored.nonce, nonce, damaged.last_id, str(damaged.length), encode_continued(damaged.continued))
    if not await redis.eval(script("rotate"), len(names), *names, *arguments):
        await redis.delete(prepared)
        raise StoreError(f"the log of {edition} has changed while it was read: run the command again")
    return archive


async def prepare_log(redis: Redis, key: str, nonce: str, entries: Sequence[Entry]) -> str:
    """Write a log that isn't in use yet: `entries`, numbered from 1 and linked to `nonce`. Return the last link.

    Redis deletes it after `PREPARED_S` unless a script puts it in place.
    """
    link, batch, size = nonce, list[str | bytes](), 0
    for seq, entry in enumerate(entries, start=1):
        data = encode_entry(entry)
        link = next_link(link, data)
        batch += [f"{seq}-0", data, link]
        size += len(data)
        if size >= BATCH_BYTES or seq == len(entries):
            await redis.eval(script("prepare"), 1, key, str(PREPARED_S), *batch)
            batch, size = [], 0
    return link


async def read_acknowledged(redis: Redis, keys: Keys) -> list[Acknowledged]:
    """Return the receipts for published entries of all editors that the desk has ever answered."""
    answered = {as_text(editor) for editor in await redis.hkeys(keys.cursors)}
    found: list[Acknowledged] = []
    for editor in sorted(answered | (await roles(redis, keys.name)).keys()):
        after = START
        while page := await read_range(redis, keys.receipts(editor), first=f"({after}", count=RECEIPTS_PAGE):
            for entry in page:
                try:
                    receipt = parse_receipt(entry).receipt
                except StoreError:
                    continue  # written by another version
                if receipt.status is ReceiptStatus.ON_AIR:
                    found.append(Acknowledged(editor, receipt))
            after = page[-1][0]
    return found
