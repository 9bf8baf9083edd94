"""The undo window as its author sees it: seconds that run down, in which Ctrl-C takes the line back unseen."""

from __future__ import annotations

import asyncio
import math
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from publisher_cli.session import Session, origin
from publisher_cli.submit.request import new_key
from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.core.submission import Decision, DecisionRequest, Finding, Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis

PATIENCE: Final = timedelta(seconds=10)
"""How long after the window's end the line may take to come on air, before we say that it hasn't."""

TOO_LATE: Final = timedelta(seconds=2)
"""Where nothing could be taken back, its receipt is there already, or comes at once."""


def is_window(receipt: Receipt, submission: Submission) -> bool:
    """Whether what was asked for waits for nothing but its undo window."""
    is_timed = submission.publish_at is not None or (
        submission.embargo_until is not None and submission.embargo_until == receipt.due_at
    )
    return receipt.status is ReceiptStatus.HELD and receipt.due_at is not None and not receipt.needs and not is_timed


class Window:
    """An undo window, from the receipt that it begins with. `is_interrupted` once its author has pressed Ctrl-C."""

    def __init__(self, console: Console, session: Session, errand: PendingRequest, held: Receipt) -> None:
        assert held.due_at is not None, "an undo window ends"
        self._console = console
        self._newsroom = session
        self._errand = errand
        self._held = held
        self._due = held.due_at
        self.is_interrupted = False

    async def wait(self, redis: Redis) -> Receipt:
        """What became of it in the end. Ctrl-C is taken as taking it back, until that is asked for."""
        interrupted = asyncio.Event()
        loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, interrupted.set)
        receipt: Receipt | None = None
        try:
            receipt = await self._outcome_unless(redis, interrupted)
        except asyncio.CancelledError:
            # Ctrl-C a moment before the handler was there: whoever reads that Ctrl-C takes it back has pressed it.
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                raise
            task.uncancel()
            interrupted.set()
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)
        self.is_interrupted = interrupted.is_set()
        return await self.take_back(redis) if receipt is None else receipt

    async def _outcome_unless(self, redis: Redis, interrupted: asyncio.Event) -> Receipt | None:
        """The outcome; None where Ctrl-C was there before it."""
        outcome = asyncio.create_task(self._outcome(redis, self._due + PATIENCE))
        others = [asyncio.create_task(interrupted.wait()), asyncio.create_task(self._count_down())]
        try:
            await asyncio.wait((outcome, others[0]), return_when=asyncio.FIRST_COMPLETED)
            return await outcome if outcome.done() else None
        finally:
            for task in (outcome, *others):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self._show("")

    async def _outcome(self, redis: Redis, until: datetime) -> Receipt:
        """The receipt that ends the window, or the one that began it if no desk gives one until then."""
        while True:
            receipt = await self._errand.outcome(redis, until)
            if receipt is None:
                return self._held
            if (receipt.status, receipt.due_at, receipt.needs) != (ReceiptStatus.HELD, self._due, ()):
                return receipt  # else somebody asked with the same key, and got the same answer

    async def take_back(self, redis: Redis) -> Receipt:
        """Call it off; its receipt, which says that it is on air where that was too late."""
        assert self._held.held is not None
        ruling = DecisionRequest(key=new_key(), decision=Decision.CANCEL, held=self._held.held, origin=origin())
        asked = await PendingRequest(self._newsroom.url, self._errand.edition, self._errand.editor, ruling).run(redis)
        if asked.status is ReceiptStatus.REFUSED:
            return await self._outcome(redis, datetime.now(UTC) + TOO_LATE)
        # What it is said of is the line, whether or not it was taken back.
        return msgspec.structs.replace(asked, key=self._held.key, id=self._held.id, errors=_of_line(asked))

    async def _count_down(self) -> None:
        """Say how long is left: each second on a terminal, else once."""
        is_terminal = self._console.err.isatty()
        while (left_s := (self._due - datetime.now(UTC)).total_seconds()) > 0:
            seconds = math.ceil(left_s)
            told = f"  goes out in {seconds} s: Ctrl-C or `tick undo` takes it back"
            if not is_terminal:
                if not self._console.json:
                    self._console.tell(told)
                return
            self._show(told)
            await asyncio.sleep(left_s - seconds + 1)

    def _show(self, text: str) -> None:
        """Put this in the place of what the terminal's line has."""
        if self._console.err.isatty() and not self._console.json:
            self._console.err.write(f"\r\x1b[K{text}")
            self._console.err.flush()


def _of_line(asked: Receipt) -> tuple[Finding, ...]:
    return tuple(
        Finding(finding.code, f"it could not be taken back, and may go out: {finding.detail}")
        for finding in asked.errors
    )
