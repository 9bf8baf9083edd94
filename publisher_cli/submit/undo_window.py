"""Wait for the end of an undo window. Until then, Ctrl-C takes the change back before anyone sees it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from publisher_cli.session import Session, origin
from ticker.client.pending_request import PendingRequest, new_key
from ticker.console import Console
from ticker.core.submission import Decision, DecisionRequest, Finding, Receipt, ReceiptStatus

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

PATIENCE: Final = timedelta(seconds=10)
"""How long after the window's end to wait for the final receipt, before reporting that the change is still held."""

TOO_LATE: Final = timedelta(seconds=2)
"""How long to wait for the final receipt if the cancellation came too late: it exists already, or is about to."""


class Window:
    """An undo window. `held` is the first receipt."""

    def __init__(self, console: Console, session: Session, pending: PendingRequest, held: Receipt) -> None:
        assert held.due_at is not None, "an undo window has an end"
        self._console = console
        self._session = session
        self._pending = pending
        self._held = held
        self._due_at = held.due_at
        self._shown_s: int | None = None

    async def take_back(self, redis: AnyRedis) -> Receipt:
        """Cancel the change. Return its final receipt, which is `on-air` if this was too late."""
        assert self._held.held is not None
        request = DecisionRequest(key=new_key(), decision=Decision.CANCEL, held=self._held.held, origin=origin())
        pending = PendingRequest(self._session.url, self._pending.edition, self._pending.editor, request)
        answer = await pending.run(redis)
        if answer.status is ReceiptStatus.REFUSED:
            return await self.final(redis, datetime.now(UTC) + TOO_LATE)
        # The answer is about the decision. Make it the receipt of the change.
        errors = tuple(
            Finding(finding.code, f"it could not be taken back, and may be published: {finding.detail}")
            for finding in answer.errors
        )
        return msgspec.structs.replace(answer, key=self._held.key, id=self._held.id, errors=errors)

    async def final(self, redis: AnyRedis, until: datetime | None = None) -> Receipt:
        """Return the receipt that ends the window, or the first receipt if no desk sends one until then.

        `until` is some seconds after the window's end by default.
        """
        until = until or self._due_at + PATIENCE
        while (receipt := await self._pending.outcome(redis, until)) is not None:
            if (receipt.status, receipt.due_at, receipt.needs) != (ReceiptStatus.HELD, self._due_at, ()):
                return receipt
            # The first receipt again: another request had the same key.
        return self._held

    @property
    def left_s(self) -> float:
        """How long the window is still open, in seconds: negative after its end."""
        return (self._due_at - datetime.now(UTC)).total_seconds()

    def show_left(self) -> None:
        """Show how long the window is still open: each time on a terminal, once elsewhere."""
        seconds = math.ceil(self.left_s)
        if seconds <= 0 or seconds == self._shown_s:
            return
        text = f"  will be published in {seconds} s: Ctrl-C or `tick undo` takes it back"
        if self._console.err.isatty():
            self._console.show_progress(text)
        elif self._shown_s is None and not self._console.json:
            self._console.tell(text)
        self._shown_s = seconds
