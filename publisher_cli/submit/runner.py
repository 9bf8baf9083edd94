"""Run one request, and print its receipt exactly once, even if Ctrl-C or an error ends the run early."""

from __future__ import annotations

import asyncio
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from publisher_cli.exit_codes import STATUS_OF
from publisher_cli.output import messages
from publisher_cli.output.messages import Subject
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.times import find_zone, spell_instant
from ticker.client.pending_request import PendingRequest, not_on_air, with_reach
from ticker.console import Console
from ticker.core.errors import StoreError
from ticker.core.submission import Receipt, ReceiptStatus, Request
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

R = TypeVar("R", bound=Request)


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


class Runner(ABC, Generic[R]):
    """Runs one request.

    Attributes:
        stored: The edition, once it is known.
        pending: Set once the request is handed to the client.
        receipt: Set once the outcome is final. If something interrupts the run after that, this receipt is printed.
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
        self.is_printed = False

    @abstractmethod
    def subject(self) -> Subject:
        """Return what the receipt is about, as far as it is known."""

    def details(self, _: Receipt) -> Iterable[str]:
        """Return the lines that follow the receipt."""
        return ()

    def exit_code(self, receipt: Receipt) -> int:
        return STATUS_OF[receipt.status]

    def finish(self, run: Coroutine[Any, Any, int]) -> int:
        """Run to the end, print the receipt, and return the exit code.

        Raises:
            TickerError: If the command is not valid. Nothing was sent.
            KeyboardInterrupt: If Ctrl-C interrupts the run. A sent request gets its receipt first.

        """
        try:
            return asyncio.run(run)
        except StoreError as error:
            receipt = self.receipt or self._failed(str(error))
        except KeyboardInterrupt:
            if self.pending is not None and self.pending.is_sent:
                self.print_once(self.receipt or self.pending.unconfirmed("interrupted"))
            raise
        return self.print_once(receipt)

    def print_once(self, receipt: Receipt) -> int:
        """Print the receipt if no receipt was printed yet. Return the exit code."""
        if not self.is_printed:
            self.is_printed = True
            self._print(receipt)
        return self.exit_code(receipt)

    async def settled(self, redis: Redis, receipt: Receipt) -> Receipt:
        """Keep the final receipt and return it, with the reach if that was requested."""
        self.receipt = receipt
        if self.options.wants_reach and receipt.status is ReceiptStatus.ON_AIR:
            self.receipt = await with_reach(redis, receipt)
        return self.receipt

    def spell(self, instant: datetime) -> str:
        """Return an instant as text, in the edition's time zone if that is known."""
        zone = None if self.stored is None else find_zone(self.stored.edition.zone)
        return spell_instant(instant, datetime.now(UTC), zone)

    def _print(self, receipt: Receipt) -> None:
        console = self.console
        if console.json:
            console.give(receipt)
            return
        write = console.say if receipt.status in self.results else console.tell
        width = shutil.get_terminal_size().columns if console.is_for_people else None
        lines = messages.receipt_lines(receipt, self.subject(), self.spell, width)
        for line in (*lines, *self.details(receipt)):
            write(line)
        for line in messages.warning_lines(receipt):
            console.tell(line)

    def _failed(self, why: str) -> Receipt:
        if self.pending is not None and self.pending.is_sent:
            return self.pending.unconfirmed(why)
        return not_on_air(self.options.edition or "", self.request, "no-redis", why)
