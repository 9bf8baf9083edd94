"""Load the ledger from Redis, and refresh it after another desk has written.

The parts are read one after the other while another desk may write, so they may not match. That is safe: `append.lua`
rejects a settlement that is based on an outdated head or cursor.
"""

from __future__ import annotations

from collections.abc import Iterable

from ticker.core.errors import LinkError, StoreError
from ticker.core.submission import ReceiptStatus
from ticker.desk.held_items import HeldItems
from ticker.desk.ledger import Answer, Ledger
from ticker.desk.rates import RateLimit
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition, load_edition
from ticker.store.editors import roles
from ticker.store.held import read_held
from ticker.store.keys import Keys
from ticker.store.log_reader import read_log, walk_log
from ticker.store.receipts import RECEIPTS_PAGE, parse_receipt
from ticker.store.replies import as_text
from ticker.store.streams import START, read_range, redis_ms


async def load_ledger(
    redis: Redis, stored: StoredEdition, retained: int, receipts_retained: int, rate_limit: RateLimit
) -> Ledger:
    """Load the whole ledger. If the log doesn't verify, set the ledger's `fault`; the answers to keys are complete."""
    ledger = Ledger(stored, retained, receipts_retained, rate_limit)
    ledger.cursors = await _cursors(redis, ledger.name)
    ledger.roles = await roles(redis, ledger.name)
    await _read_receipts(redis, ledger, ledger.cursors.keys() | ledger.roles.keys())
    ledger.held = HeldItems(await read_held(redis, ledger.name))
    ledger.redis_ms = await redis_ms(redis)
    try:
        await _read_log(redis, ledger)
    except LinkError as error:
        ledger.fault = error
    return ledger


async def refresh(redis: Redis, ledger: Ledger) -> bool:
    """Add everything settled since, but not the roles. Return False if the log no longer contains the ledger's head.

    Raises:
        LinkError: If the entry after the head doesn't link to it.

    """
    head = ledger.head
    if head.seq == 0:
        stored = await load_edition(redis, ledger.name)
        if stored is None or stored.nonce != head.link:
            return False
    else:
        found = await read_log(redis, ledger.name, head.seq - 1, 1)
        if not found or (found[0].seq, found[0].link) != (head.seq, head.link):
            return False
    await _read_log(redis, ledger)
    cursors = await _cursors(redis, ledger.name)
    held_before, ledger.held = ledger.held, HeldItems(await read_held(redis, ledger.name))
    changed = {editor for editor, cursor in cursors.items() if cursor != ledger.cursor(editor)}
    changed |= {held.editor for held in held_before.all() if ledger.held.get(held.id) != held_before.get(held.id)}
    await _read_receipts(redis, ledger, changed)
    ledger.cursors = cursors
    return True


async def _read_log(redis: Redis, ledger: Ledger) -> None:
    async for logged in walk_log(redis, ledger.name, ledger.head.seq, ledger.head.link):
        if logged.seq != ledger.head.seq + 1:  # the entries between have been trimmed
            ledger.begin_after(logged.seq - 1)
        ledger.append(logged.link, logged.entry)


async def _read_receipts(redis: Redis, ledger: Ledger, editors: Iterable[str]) -> None:
    for editor in editors:
        key, after = Keys(ledger.name).receipts(editor), ledger.receipt_ids.get(editor, START)
        while page := await read_range(redis, key, first=f"({after}", count=RECEIPTS_PAGE):
            for entry in page:
                try:
                    stored = parse_receipt(entry)
                except StoreError:
                    continue  # written by another version: its key is unknown, and its request has been answered
                status = stored.receipt.status
                late_until_ms = stored.deadline_at_ms if status is ReceiptStatus.LATE else None
                ledger.remember(Answer.of(editor, stored.receipt, stored.data, late_until_ms))
            after = ledger.receipt_ids[editor] = page[-1][0]


async def _cursors(redis: Redis, edition: str) -> dict[str, str]:
    cursors = await redis.hgetall(Keys(edition).cursors)
    return {as_text(editor): as_text(cursor) for editor, cursor in cursors.items()}
