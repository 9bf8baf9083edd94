"""What every request has in common, from as it was typed to its receipt: its end, also where somebody interrupts it."""

from __future__ import annotations

import asyncio
import shutil
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from publisher_cli.exit_codes import STATUS_OF
from publisher_cli.output import messages
from publisher_cli.submit.request import SubmitOptions
from ticker.client.pending_request import PendingRequest, not_on_air, with_reach
from ticker.console import Console
from ticker.core.errors import StoreError
from ticker.core.line import Change, Direction
from ticker.core.submission import Receipt, ReceiptStatus, Request
from ticker.store.connection import Redis

R = TypeVar("R", bound=Request)


class Underway(ABC, Generic[R]):
    """One request on its way. What is known by then is kept for whoever interrupts it.

    `errand` is there once it is handed in, `receipt` once it is known for good what became of it.
    """

    def __init__(self, console: Console, manner: SubmitOptions, request: R) -> None:
        self.console = console
        self.manner = manner
        self.request = request
        self.errand: PendingRequest | None = None
        self.receipt: Receipt | None = None
        self.is_told = False

    @abstractmethod
    def tell(self, receipt: Receipt) -> None:
        """Say what became of it, in words or as JSON."""

    def status_of(self, receipt: Receipt) -> int:
        return STATUS_OF[receipt.status]

    def finish(self, way: Coroutine[Any, Any, int]) -> int:
        """Go the whole way, and say what became of it whatever ends it; the exit code.

        Raises:
            TickerError: If the command can't be understood; nothing was sent then.
            KeyboardInterrupt: If somebody interrupts it, once it is said what is known.

        """
        try:
            return asyncio.run(way)
        except StoreError as error:
            receipt = self.receipt or self._unheard(str(error))
        except KeyboardInterrupt:
            if self.errand is not None and self.errand.is_sent:
                self.tell_once(self.receipt or self.errand.unconfirmed("interrupted"))
            raise
        self.tell_once(receipt)
        return self.status_of(receipt)

    def tell_once(self, receipt: Receipt) -> None:
        """`tell`, unless that was done."""
        if not self.is_told:
            self.is_told = True
            self.tell(receipt)

    async def settled(self, redis: Redis, receipt: Receipt) -> Receipt:
        """Keep what became of it, with how far it came where that is asked for."""
        self.receipt = receipt
        if self.manner.wants_reach and receipt.status is ReceiptStatus.ON_AIR:
            self.receipt = await with_reach(redis, receipt)
        return self.receipt

    def say_on_air(self, receipt: Receipt, change: Change, text: str | None, direction: Direction | None) -> None:
        width = shutil.get_terminal_size().columns if self.console.is_for_people else None
        self.console.say(messages.receipt_words(receipt, change, text, direction, width))

    def _unheard(self, why: str) -> Receipt:
        if self.errand is not None and self.errand.is_sent:
            return self.errand.unconfirmed(why)
        return not_on_air(self.manner.edition or "", self.request, "no-redis", why)
