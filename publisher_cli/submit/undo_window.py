"""Wait for the end of an undo window. Until then, Ctrl-C takes the change back before anyone sees it."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from publisher_cli.session import Session, origin
from publisher_cli.submit.runner import catch_interrupt
from ticker.client.pending_request import PendingRequest, new_key
from ticker.console import Console
from ticker.core.submission import Decision, DecisionRequest, Finding, Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis

PATIENCE: Final = timedelta(seconds=10)
"""How long after the window's end to wait for the final receipt, before reporting that the change is still held."""

TOO_LATE: Final = timedelta(seconds=2)
"""How long to wait for the final receipt if the cancellation came too late: it exists already, or is about to."""


def is_window(receipt: Receipt, submission: Submission) -> bool:
    """Return whether the submission waits only for the end of its undo window."""
    is_timed = submission.publish_at is not None or (
        submission.embargo_until is not None and submission.embargo_until == receipt.due_at
    )
    return receipt.status is ReceiptStatus.HELD and receipt.due_at is not None and not receipt.needs and not is_timed


class Window:
    """An undo window. `held` is the first receipt. `is_interrupted` is true once the editor has pressed Ctrl-C."""

    def __init__(self, console: Console, session: Session, pending: PendingRequest, held: Receipt) -> None:
        assert held.due_at is not None, "an undo window has an end"
        self._console = console
        self._session = session
        self._pending = pending
        self._held = held
        self._due_at = held.due_at
        self.is_interrupted = False

    async def wait(self, redis: Redis, *, is_interrupted: bool = False) -> Receipt:
        """Return the final receipt. The first Ctrl-C takes the change back; a second one raises as usual.

        `is_interrupted`: Ctrl-C came already, while the command waited for the desk.
        """
        receipt: Receipt | None = None
        with catch_interrupt() as interrupted:
            if is_interrupted:
                interrupted.set()
            try:
                receipt = await self._final_unless(redis, interrupted)
            except asyncio.CancelledError:
                # The editor pressed Ctrl-C just before our handler was installed. The message promised to take it back.
                task = asyncio.current_task()
                if task is None or not task.cancelling():
                    raise
                task.uncancel()
                interrupted.set()
        self.is_interrupted = interrupted.is_set()
        return await self.take_back(redis) if receipt is None else receipt

    async def take_back(self, redis: Redis) -> Receipt:
        """Cancel the change. Return its final receipt, which is `on-air` if this was too late."""
        assert self._held.held is not None
        request = DecisionRequest(key=new_key(), decision=Decision.CANCEL, held=self._held.held, origin=origin())
        pending = PendingRequest(self._session.url, self._pending.edition, self._pending.editor, request)
        answer = await pending.run(redis)
        if answer.status is ReceiptStatus.REFUSED:
            return await self._final(redis, datetime.now(UTC) + TOO_LATE)
        # The answer is about the decision. Make it the receipt of the change.
        errors = tuple(
            Finding(finding.code, f"it could not be taken back, and may be published: {finding.detail}")
            for finding in answer.errors
        )
        return msgspec.structs.replace(answer, key=self._held.key, id=self._held.id, errors=errors)

    async def _final_unless(self, redis: Redis, interrupted: asyncio.Event) -> Receipt | None:
        """Return the final receipt, or None if Ctrl-C comes first."""
        final = asyncio.create_task(self._final(redis, self._due_at + PATIENCE))
        others = [asyncio.create_task(interrupted.wait()), asyncio.create_task(self._count_down())]
        try:
            await asyncio.wait((final, others[0]), return_when=asyncio.FIRST_COMPLETED)
            return await final if final.done() else None
        finally:
            for task in (final, *others):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self._console.show_progress("")

    async def _final(self, redis: Redis, until: datetime) -> Receipt:
        """Return the receipt that ends the window, or the first receipt if no desk sends one until then."""
        while (receipt := await self._pending.outcome(redis, until)) is not None:
            if (receipt.status, receipt.due_at, receipt.needs) != (ReceiptStatus.HELD, self._due_at, ()):
                return receipt
            # The first receipt again: another request had the same key.
        return self._held

    async def _count_down(self) -> None:
        """Show how long the window is still open: every second on a terminal, once elsewhere."""
        is_terminal = self._console.err.isatty()
        while (left_s := (self._due_at - datetime.now(UTC)).total_seconds()) > 0:
            seconds = math.ceil(left_s)
            text = f"  will be published in {seconds} s: Ctrl-C or `tick undo` takes it back"
            if not is_terminal:
                if not self._console.json:
                    self._console.tell(text)
                return
            self._console.show_progress(text)
            await asyncio.sleep(left_s - seconds + 1)
