"""Run one request, and print its receipt exactly once, even if Ctrl-C or an error ends the run early."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import msgspec

from publisher_cli.exit_codes import STATUS_OF
from publisher_cli.interrupt import raised_interrupts
from publisher_cli.output import messages
from publisher_cli.output.messages import Subject
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.submit.waiting import Waiting
from publisher_cli.times import find_zone, spell_moment
from ticker.client.pending_request import PendingRequest, not_on_air, with_reach
from ticker.console import INTERRUPTED, Console, OutputError, Printable
from ticker.core.errors import StoreError
from ticker.core.submission import Receipt, ReceiptStatus, Request
from ticker.store.editions import StoredEdition

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

R = TypeVar("R", bound=Request)


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

    def finish(self, run: Callable[[], int]) -> int:
        """Call `run`, which prints the receipt, and return the exit code. Print the receipt if something ends it early.

        Raises:
            TickerError: If the command is not valid. Nothing was sent.
            KeyboardInterrupt: If Ctrl-C interrupts the run before the request is sent.

        """
        with raised_interrupts():
            try:
                return run()
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

    async def answer(self, waiting: Waiting, redis: AnyRedis) -> Receipt:
        """Send the pending request, and return its receipt.

        Raises:
            KeyboardInterrupt: If Ctrl-C comes before the request is sent.

        """
        assert self.pending is not None
        receipt, self.is_interrupted = await waiting.answer(redis, self.pending, self._show_seconds)
        return receipt

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

    async def settled(self, redis: AnyRedis, receipt: Receipt) -> Receipt:
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
        width = self.console.columns
        yield from messages.receipt_lines(receipt, self.subject(), self.spell_moment, width)
        yield from self.details(receipt)

    def _show_seconds(self, seconds: int) -> None:
        """Show on a terminal how long the desk has not answered. 0 clears that."""
        text = f"  waiting for a desk: {seconds} s of {self.options.wait_s:g} s; Ctrl-C stops waiting"
        self.console.show_progress(text if seconds else "")

    def _failed(self, why: str) -> Receipt:
        if self.pending is not None and self.pending.is_sent:
            return self.pending.unconfirmed(why)
        return not_on_air(self.options.edition or "", self.request, "no-redis", why)
