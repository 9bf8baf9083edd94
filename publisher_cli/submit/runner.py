"""Run one request, and print its receipt exactly once, even if Ctrl-C or an error ends the run early."""

from __future__ import annotations

import asyncio
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from itertools import count
from typing import ClassVar, Final, Generic, TypeVar

import msgspec

from publisher_cli.exit_codes import STATUS_OF
from publisher_cli.interrupt import raised_interrupts
from publisher_cli.output import messages
from publisher_cli.output.messages import Subject
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.times import find_zone, spell_moment
from ticker.client.pending_request import PendingRequest, not_on_air, with_reach
from ticker.console import INTERRUPTED, Console, OutputError, Printable
from ticker.core.errors import StoreError
from ticker.core.submission import Receipt, ReceiptStatus, Request
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

R = TypeVar("R", bound=Request)

LOOKUP_S: Final = 2.0
"""How long to wait for the receipt after Ctrl-C, so that the outcome is known."""


@contextmanager
def catch_interrupt() -> Iterator[asyncio.Event]:
    """Yield an event that the first Ctrl-C inside the context sets. A second Ctrl-C raises as usual."""
    loop, earlier_handler = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    interrupted = asyncio.Event()

    def restore() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, earlier_handler)

    def interrupt() -> None:
        interrupted.set()
        restore()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        restore()


async def _cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Runner(ABC, Generic[R]):
    """Runs one request.

    Attributes:
        stored: The edition, once it is known.
        pending: Set once the request is handed to the client.
        receipt: Set once the outcome is final. If something interrupts the run after that, this receipt is printed.
        is_interrupted: The editor has pressed Ctrl-C after the request was sent.
        results: The statuses whose receipts go to standard output. The others go to standard error.

    """

    results: ClassVar = frozenset({ReceiptStatus.ON_AIR, ReceiptStatus.HELD})

    def __init__(self, console: Console, options: SubmitOptions, request: R) -> None:
        self.console = console
        self.options = options
        self.request = request
        self.stored: StoredEdition | None = None
        self.pending: PendingRequest | None = None
        self.receipt: Receipt | None = None
        self.is_interrupted = False
        self.is_printed = False

    @abstractmethod
    def subject(self) -> Subject:
        """Return what the receipt is about, as far as it is known."""

    def details(self, _: Receipt) -> Iterable[str]:
        """Return the lines that follow the receipt."""
        return ()

    def exit_code(self, receipt: Receipt) -> int:
        return STATUS_OF[receipt.status]

    def finish(self, run: Coroutine[object, None, int]) -> int:
        """Run to the end, print the receipt, and return the exit code.

        Raises:
            TickerError: If the command is not valid. Nothing was sent.
            KeyboardInterrupt: If Ctrl-C interrupts the run before the request is sent.

        """
        with raised_interrupts():
            try:
                return asyncio.run(run)
            except StoreError as error:
                return self.fail(error)
            except KeyboardInterrupt:
                if self.pending is None or not self.pending.is_sent:
                    raise
                self.is_interrupted = True
                receipt = self.receipt or self.pending.unconfirmed("interrupted")
            return self.print_once(receipt)

    def fail(self, error: StoreError) -> int:
        """Print the receipt after an error of Redis, and return the exit code."""
        return self.print_once(self.receipt or self._failed(str(error)))

    async def answer(self, redis: Redis) -> Receipt:
        """Send the pending request, and return its receipt.

        The first Ctrl-C leaves the desk `LOOKUP_S` more seconds, so that the receipt usually has the outcome. A second
        one raises as usual.

        Raises:
            KeyboardInterrupt: If Ctrl-C comes before the request is sent.

        """
        pending = self.pending
        assert pending is not None
        answer = asyncio.create_task(pending.run(redis))
        others: list[asyncio.Task[object]] = [asyncio.create_task(self._show_seconds())]
        try:
            with catch_interrupt() as interrupted:
                others.append(asyncio.create_task(interrupted.wait()))
                await asyncio.wait((answer, others[-1]), return_when=asyncio.FIRST_COMPLETED)
                self.is_interrupted = interrupted.is_set()
                if self.is_interrupted and not pending.is_sent:
                    answer.cancel()  # it is not sent later: a cancelled task doesn't run on
                    raise KeyboardInterrupt
                if self.is_interrupted:
                    await asyncio.wait((answer,), timeout=LOOKUP_S)
            return answer.result() if answer.done() else pending.unconfirmed("interrupted")
        finally:
            await _cancel(answer, *others)
            self.console.show_progress("")

    def print_once(self, receipt: Receipt, **more: object) -> int:
        """Print the receipt if no receipt was printed yet. Return the exit code.

        If standard output can't be written, the receipt goes to standard error: it is never lost. With --json, `more`
        are additional fields.
        """
        if not self.is_printed:
            self.is_printed = True
            try:
                self._print(receipt, more)
            except OutputError as error:
                for line in (*self._lines(receipt), f"  {error}"):
                    self.console.tell(line)
        return INTERRUPTED if self.is_interrupted else self.exit_code(receipt)

    async def settled(self, redis: Redis, receipt: Receipt) -> Receipt:
        """Keep the final receipt and return it, with the reach if that was requested."""
        self.receipt = receipt
        if self.options.wants_reach and receipt.status is ReceiptStatus.ON_AIR:
            self.receipt = await with_reach(redis, receipt)
        return self.receipt

    @property
    def zone(self) -> tzinfo | None:
        """The edition's time zone if that is known, or None for this machine's."""
        return None if self.stored is None else find_zone(self.stored.edition.zone)

    def spell_moment(self, instant: datetime) -> str:
        """Return an instant as text that follows a verb."""
        return spell_moment(instant, datetime.now(UTC), self.zone)

    def _print(self, receipt: Receipt, more: Mapping[str, object]) -> None:
        console = self.console
        if console.json:
            console.give({**msgspec.to_builtins(receipt), **more} if more else receipt)
            return
        write = console.say if receipt.status in self.results else console.tell
        for line in self._lines(receipt):
            write(line)
        for line in messages.warning_lines(receipt):
            console.tell(line)

    def _lines(self, receipt: Receipt) -> Iterator[Printable]:
        width = shutil.get_terminal_size().columns if self.console.is_for_people else None
        yield from messages.receipt_lines(receipt, self.subject(), self.spell_moment, width)
        yield from self.details(receipt)

    async def _show_seconds(self) -> None:
        """Show on a terminal how long the desk has not answered."""
        for seconds in count(1):
            await asyncio.sleep(1)
            self.console.show_progress(
                f"  waiting for a desk: {seconds} s of {self.options.wait_s:g} s; Ctrl-C stops waiting"
            )

    def _failed(self, why: str) -> Receipt:
        if self.pending is not None and self.pending.is_sent:
            return self.pending.unconfirmed(why)
        return not_on_air(self.options.edition or "", self.request, "no-redis", why)
