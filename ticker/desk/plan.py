"""The data of planning: pending requests, the context of decisions, and planned settlements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from ticker.core.entry import Logged
from ticker.core.submission import ReceiptStatus
from ticker.desk.held_items import HeldBytes
from ticker.desk.ledger import Answer, Ledger
from ticker.store.append import AHEAD_MS, Settlement
from ticker.store.streams import milliseconds_of

LAST_MS: Final = 253_402_300_799_999
"""The end of year 9999. A stream id after it can't be converted to a time."""


class PendingRequest(msgspec.Struct, frozen=True):
    """A request in an editor's inbox.

    `id` is its stream id. `data` is the untrusted request, or empty if the stream entry lacks it. `is_ahead` is set if
    Redis has reported that the id is ahead of its clock.
    """

    editor: str
    id: str
    data: bytes = b""
    is_ahead: bool = False

    @property
    def submitted_ms(self) -> int:
        return milliseconds_of(self.id)

    @property
    def has_valid_time(self) -> bool:
        return not self.is_ahead and self.submitted_ms <= LAST_MS

    def seen_at(self, redis_ms: int) -> PendingRequest:
        """Return the request, marked if its id is ahead of Redis's clock."""
        is_ahead = self.is_ahead or self.submitted_ms > redis_ms + AHEAD_MS
        return msgspec.structs.replace(self, is_ahead=is_ahead)


class PlanContext(msgspec.Struct, frozen=True, kw_only=True):
    """The context of all decisions of a batch: the clocks, new ids and the limits of the desk.

    `now` is the desk's clock, `redis_now` is Redis's. `submission_bytes` and `deadline_s` are the limits of a request,
    `held_max` limits the held items of the edition, `held_per_editor` those of one editor.
    """

    now: datetime
    redis_now: datetime
    new_id: Callable[[], str]
    submission_bytes: int
    deadline_s: float
    held_max: int
    held_per_editor: int
    overdue_after_s: float


class PlannedSettlement(Settlement, frozen=True, kw_only=True):
    """A settlement for Redis, with the changes of the ledger that follow once Redis has confirmed it.

    `request` is None for a held item that is due. `answers` starts with the answer to the request. If the request was a
    decision, a second answer goes to the author of the held item. `logged` is the new entry, `held_after` the new or
    changed held item. `refused` has the codes of the errors. `findings` has the code and the effect of each finding
    about a submission. `failure` is an exception in our own rules.
    """

    request: PendingRequest | None
    answers: tuple[Answer, ...]
    logged: Logged | None = None
    held_after: HeldBytes | None = None
    is_repeat: bool = False
    refused: tuple[str, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    failure: Exception | None = None

    @property
    def status(self) -> ReceiptStatus:
        return self.answers[0].status

    @property
    def is_overdue(self) -> bool:
        """Return True if a held item was due while no desk was running."""
        return self.request is None and self.held_after is not None and self.held_after[1].overdue

    def apply_to(self, ledger: Ledger) -> None:
        """Update the ledger. Call this once Redis has confirmed the settlement."""
        if self.logged is not None:
            ledger.append(self.logged.link, self.logged.entry)
        if self.held is not None:
            ledger.held.remove(self.held.id)
            if self.held_after is not None:
                ledger.held.put(*self.held_after)
        if self.request is not None:
            ledger.cursors[self.request.editor] = self.request.id
        for answer in self.answers:
            ledger.remember(answer)
