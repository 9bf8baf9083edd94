"""The condition of an edition's desk."""

from __future__ import annotations

from collections import Counter

import msgspec

from ticker.core.submission import ReceiptStatus
from ticker.outages import Outages


class EditionState(msgspec.Struct):
    """The condition of an edition's desk, for metrics and health checks.

    Attributes:
        accepting: The desk reads the inboxes.
        fault: Why nothing can be published, although the desk reads the inboxes.
        outcomes: Settlements by status.
        refused: Refusals by the code of the rule or limit.
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
    repeated: int = 0
    moved: int = 0
    errors: int = 0
    dropped: int = 0
    break_glass: int = 0
    held: int = 0
    kept_lines: int = 0
    overdue: int = 0
    outages: Outages = msgspec.field(default_factory=Outages)
