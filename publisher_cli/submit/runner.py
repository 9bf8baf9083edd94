"""Run one request, and print its receipt exactly once, even if Ctrl-C or an error ends the run early."""

from __future__ import annotations

import asyncio
import shutil
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, Generic, TypeVar

from publisher_cli.exit_codes import STATUS_OF
from publisher_cli.output import messages
from publisher_cli.output.messages import Subject
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.times import spell_instant
from ticker.client.pending_request import PendingRequest, not_on_air, with_reach
from ticker.console import Console
from ticker.core.errors import StoreError
from ticker.core.submission import Receipt, ReceiptStatus, Request
from ticker.store.connection import Redis

R = TypeVar("R", bound=Request)


class Runner(ABC, Generic[R]):
    """Runs one request.

    Attributes:
        pending: Set once the request is handed to the client.
        receipt: Set once the outcome is final. If something interrupts the run after that, this receipt is printed.
        results: The statuses whose receipts go to standard output. The others go to standard error.

    """

    results: ClassVar = frozenset({ReceiptStatus.ON_AIR, ReceiptStatus.HELD})

    def __init__(self, console: Console, options: SubmitOptions, request: R) -> None:
        self.console = console
        self.options = options
        self.request = request
        self.pending: PendingRequest | None = None
        self.receipt: Receipt | None = None
        self.is_printed = False

    @abstractmethod
    def subject(self) -> Subject:
        """Return what the receipt is about, as far as it is known."""

    @abstractmethod
    def zone(self) -> tzinfo | None:
        """Return the edition's time zone, or None for this machine's."""

    @abstractmethod
    def details(self, receipt: Receipt) -> Iterator[str]:
        """Yield the lines that follow the receipt."""

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
        self.print_once(receipt)
        return self.exit_code(receipt)

    def print_once(self, receipt: Receipt) -> None:
        if not self.is_printed:
            self.is_printed = True
            self._print(receipt)

    async def settled(self, redis: Redis, receipt: Receipt) -> Receipt:
        """Keep the final receipt and return it, with the reach if that was requested."""
        self.receipt = receipt
        if self.options.wants_reach and receipt.status is ReceiptStatus.ON_AIR:
            self.receipt = await with_reach(redis, receipt)
        return self.receipt

    def spell(self, instant: datetime) -> str:
        return spell_instant(instant, datetime.now(UTC), self.zone())

    def _print(self, receipt: Receipt) -> None:
        console = self.console
        if console.json:
            console.give(receipt)
            return
        write = console.say if receipt.status in self.results else console.tell
        width = shutil.get_terminal_size().columns if console.is_for_people else None
        for line in messages.receipt_lines(receipt, self.subject(), self.spell, width):
            write(line)
        for line in self.details(receipt):
            write(line)
        for line in messages.warning_lines(receipt):
            console.tell(line)

    def _failed(self, why: str) -> Receipt:
        if self.pending is not None and self.pending.is_sent:
            return self.pending.unconfirmed(why)
        return not_on_air(self.options.edition or "", self.request, "no-redis", why)
