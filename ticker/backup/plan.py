"""Plan what a restore puts in place of an edition's log. Pure.

A backup is older than the log that it replaces. A text that was withdrawn, corrected or hidden since must not show
again. The log that is there and the receipts name such changes, so they are made again at the end of the restored log.
`ticker.core.repair` decides that for repairs, and here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from ticker.core.board import Board
from ticker.core.entry import Entry, Logged
from ticker.core.lifecycle import earlier_facets
from ticker.core.line import VERSION_LAST, Change, Status
from ticker.core.position import history_of
from ticker.core.repair import MADE_AGAIN, Acknowledged, RepairPlan, plan_repair
from ticker.core.salvage import Salvage
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.editions import Continued, StoredEdition

RESTORER: Final = "ticker-restore"
"""The editor of the entries with which a restore hides lines. No editor can have a name with this prefix."""

_TAKEN_BACK: Final = "taken back again by ticker restore: the backup is older"
_NOTE: Final = "hidden by ticker restore --hidden: check it, then tick unhide"


class Present(msgspec.Struct, frozen=True):
    """The log of an edition that a restore replaces: its sound entries, and the receipts of the server.

    `last_id` and `length` show whether it changed since.
    """

    stored: StoredEdition | None
    sound: Sequence[Logged]
    receipts: Sequence[Acknowledged]
    last_id: str
    length: int


class RestorePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a restore.

    Attributes:
        entries: The entries of the new history.
        repair: The changes since the backup, as a repair names the lost versions of a log.
        gone: How many lines only the replaced log has.
        hidden: How many lines `--hidden` hides.
        continued: The histories whose receipts still answer their keys.

    """

    entries: Sequence[Entry]
    repair: RepairPlan
    gone: int
    hidden: int
    continued: Continued


def plan_restore(
    backup: StoredEdition, logged: Sequence[Logged], present: Present, now: datetime, *, hides: bool
) -> RestorePlan:
    """Plan the log that replaces `present`: the backup's log, then the withdrawals, corrections and hides since."""
    published = _published(present)
    plan = plan_repair(backup.nonce, Salvage(logged, ()), [*present.receipts, *published])
    made = {(each.line.id, each.line.version): each for logged in present.sound for each in logged.entry.with_kept()}
    entries = [_as_made(entry, made.get((entry.line.id, entry.line.version))) for entry in plan.entries]
    hidden = list(_hidden(entries, now)) if hides else []
    known = {entry.line.id for entry in entries}
    before = backup.continued
    return RestorePlan(
        entries=[*entries, *hidden],
        repair=plan,
        gone=len({each.entry.line.id for each in present.sound} - known),
        hidden=len(hidden),
        continued=Continued((*before.histories, backup.history), before.lost | plan.lost_positions),
    )


def _as_made(entry: Entry, before: Entry | None) -> Entry:
    """Return an entry that takes a text back again, with the reason in the replaced log's entry `before`."""
    if entry.note != MADE_AGAIN:
        return entry
    if before is None or before.line.status is not entry.line.status:
        return msgspec.structs.replace(entry, note=_TAKEN_BACK)
    line = msgspec.structs.replace(before.line, number=entry.line.number)
    return msgspec.structs.replace(entry, line=line, note=before.note or _TAKEN_BACK)


def _published(present: Present) -> Iterable[Acknowledged]:
    """Yield the receipts that the entries of the present log have had. Older ones are trimmed from their streams."""
    if present.stored is None:
        return
    for logged in present.sound:
        entry, line = logged.entry, logged.entry.line
        receipt = Receipt(
            status=ReceiptStatus.ON_AIR,
            edition=present.stored.name,
            key=entry.key,
            action=str(line.change),
            id=line.id,
            version=line.version,
            position=str(logged.position),
            published_at=line.updated_at,
            history=history_of(present.stored.nonce),
        )
        yield Acknowledged(entry.editor, receipt)


def _hidden(entries: Iterable[Entry], now: datetime) -> Iterable[Entry]:
    """Yield entries that hide every line which would show. Editors put them back with `unhide`, one after the other."""
    board = Board()
    for entry in entries:
        board.apply(entry)
    for before in sorted(board.newest_first(), key=lambda each: each.line.number):
        line = before.line
        has_expired = line.expires_at is not None and line.expires_at <= now
        if line.status is not Status.USABLE or has_expired or line.version >= VERSION_LAST:
            continue
        hidden = msgspec.structs.replace(
            line.without_text(Status.WITHHELD), change=Change.HIDE, version=line.version + 1, updated_at=now
        )
        yield Entry(
            line=hidden,
            earlier_facets=earlier_facets(hidden, before),
            editor=RESTORER,
            key=f"hide-{line.id}-{hidden.version}",
            submitted_at=now,
            note=_NOTE,
            hidden_version=line,
            author=before.posted_by,
        )
