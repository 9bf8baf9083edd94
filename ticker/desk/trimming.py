"""Decide which entries leave the log when a new one arrives, and what becomes of their lines. Pure."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Final

from ticker.core.board import LINES_MAX
from ticker.core.entry import Entry, Trim, encode_entry
from ticker.desk.ledger import Ledger

SLACK: Final = 64
"""How many entries the log has above `retained` before some are removed: one trim then stands for many entries."""

TRIM_LINES_MAX: Final = 256
TRIM_BYTES: Final = 128 * 1024
"""The limits of one trim. If more lines are due, the next entry has another trim."""


def plan_trim(ledger: Ledger, seq: int, changed: Container[str], now: datetime) -> Trim | None:
    """Return the trim of the new entry `seq`, or None if the log is short enough.

    `changed` are the lines with newer versions than the ledger's: of this entry, and of entries planned before it.
    A line that shows is kept. Once there are `retained` such lines, only those on boards of the edition's own size are
    kept, so that memory is bounded: by the numbers of sections, regions and urgencies.
    """
    through = seq - ledger.retained
    if through - ledger.first + 1 < min(SLACK, ledger.retained):
        return None
    size = LINES_MAX if ledger.kept_lines < ledger.retained else ledger.edition.board_lines
    kept: list[Entry] = []
    forgotten: list[str] = []
    kept_bytes = 0
    for line_id, newest in ledger.lines_by_age():
        if newest > through:
            break
        if line_id in changed:
            continue
        if len(kept) + len(forgotten) >= TRIM_LINES_MAX or kept_bytes >= TRIM_BYTES:
            through = newest - 1
            break
        entry = ledger.board.get(line_id)
        if entry is not None and ledger.shown.shows(entry, now, size):
            kept.append(entry)
            kept_bytes += len(encode_entry(entry))
        else:
            forgotten.append(line_id)
    return Trim(through=through, kept=tuple(kept), forgotten=tuple(forgotten))
