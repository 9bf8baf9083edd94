"""The condition of an edition's desk."""

from __future__ import annotations

from collections import Counter

import msgspec

from ticker.core.submission import ReceiptStatus
from ticker.desk.held_items import HeldItems
from ticker.outages import Outages


class EditionState(msgspec.Struct):
    """The condition of an edition's desk, for metrics and health checks.

    Attributes:
        accepting: The desk reads the inboxes.
        fault: Why nothing can be published, although the desk reads the inboxes.
        outcomes: Settlements by status.
        refused: Refusals by the code of the rule or limit.
        findings: Findings of the rules about submissions, by code and effect.
        entries: Entries appended to the log.
        head: The seq of the newest entry.
        clock_offset_s: How far the desk's clock is ahead of Redis's.
        held_items: The held items themselves.
        repeated: Requests whose key had been answered.
        moved: Settlements that Redis rejected because another desk was faster.
        errors: Restarts after a failure.
        dropped: Requests deleted unread because the inbox had more than `inbox_retained`.
        break_glass: Entries that a chief published without a second person.
        held: Held items.
        kept_lines: Lines that are still known because they show: their own entries have left the log.
        overdue: Held items that were due while no desk was running (`overdue_after_s`).
        outages: Those of the process.

    """

    accepting: bool = False
    fault: str | None = None
    outcomes: Counter[ReceiptStatus] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    findings: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    entries: int = 0
    head: int = 0
    clock_offset_s: float = 0.0
    held_items: HeldItems = msgspec.field(default_factory=HeldItems)
    repeated: int = 0
    moved: int = 0
    errors: int = 0
    dropped: int = 0
    break_glass: int = 0
    held: int = 0
    kept_lines: int = 0
    overdue: int = 0
    outages: Outages = msgspec.field(default_factory=Outages)
