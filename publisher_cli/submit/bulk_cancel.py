"""Cancel several held items: those that are named, or all of one editor."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.held_items import HeldItems, load_held_items
from publisher_cli.history import LAST, UnknownLineError, find_id, short_ids
from publisher_cli.interrupt import raised_interrupts
from publisher_cli.output import messages
from publisher_cli.output.batch_report import UNDECIDED
from publisher_cli.output.held_rows import pending_row
from publisher_cli.output.messages import Subject
from publisher_cli.output.tables import show_rows
from publisher_cli.session import Session, find_edition, origin
from publisher_cli.submit.decision import submit_decision
from publisher_cli.submit.interrupt_event import catch_interrupt
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.times import find_zone, spell_instant
from ticker.client.pending_request import PendingRequest, new_key
from ticker.console import INTERRUPTED, Console
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError
from ticker.core.held import Held
from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus
from ticker.store.connection import Redis

_WORST_FIRST: Final = (Status.UNKNOWN, Status.NOT_ON_AIR, Status.REFUSED)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The items to cancel: `names`, or all of the editor themselves, or all of `author`.

    `is_sure` is set if the editor needn't be asked.
    """

    names: tuple[str, ...] = ()
    all_mine: bool = False
    author: str | None = None
    is_sure: bool = False


def cancel(console: Console, options: SubmitOptions, selection: Selection) -> int:
    """Cancel the held items, print their receipts, and return the exit code.

    Raises:
        TickerError: If a name fits no held item or several, or nothing is selected. Nothing was sent.

    """
    if sum((bool(selection.names), selection.all_mine, selection.author is not None)) != 1:
        raise SettingsError("name the held items to cancel, or give either --all-mine or --all-of NAME")
    if len(selection.names) == 1:
        return submit_decision(console, options, Decision.CANCEL, selection.names[0])
    bulk = BulkCancel(console, options)
    chosen = asyncio.run(bulk.find(selection))
    if not (selection.names or selection.is_sure or bulk.is_confirmed(chosen)):
        console.tell("nothing was sent")
        return Status.USAGE
    with raised_interrupts():
        try:
            return asyncio.run(bulk.run(chosen))
        except KeyboardInterrupt:  # the second one: the first only stops after an item
            console.tell("interrupted: the item whose receipt is missing may be cancelled, see `tick scheduled`")
            return INTERRUPTED


class BulkCancel:
    """Cancels held items of one edition, one after the other."""

    def __init__(self, console: Console, options: SubmitOptions) -> None:
        self._console = console
        self._options = options
        self._session = Session.find(console, options.data)
        self._editor = self._session.editor(options.editor)
        self._items: HeldItems | None = None

    async def find(self, selection: Selection) -> list[Held]:
        """Return the selected items, the oldest first.

        Raises:
            TickerError: If a name fits no held item or several, or nothing is selected.

        """
        async with self._session.redis() as redis, asyncio.timeout(self._options.wait_s):
            stored = await find_edition(redis, self._options.edition)
            self._items = items = await load_held_items(redis, stored)
        if selection.names:
            what = f"held item of {stored.name}"
            if LAST in selection.names:
                raise SettingsError(f"`{LAST}` can't be combined with other ids: write its id")
            ids = [find_id(items.held, name, what, "`tick scheduled`") for name in selection.names]
            return [items.held[held_id] for held_id in dict.fromkeys(ids)]
        author = self._editor if selection.author is None else check_name(selection.author)
        chosen = [held for held in items.held.values() if held.editor == author]
        if not chosen:
            raise UnknownLineError(f"nothing that {author} submitted to {stored.name} is held")
        return chosen

    def is_confirmed(self, chosen: Sequence[Held]) -> bool:
        """Show the items, and ask.

        Raises:
            SettingsError: If nobody can be asked.

        """
        items, number = self._loaded, messages.count(len(chosen), "held item")
        if not (self._console.is_watched and sys.stdin.isatty()):
            raise SettingsError(f"this would cancel {number} of {items.stored.name}: confirm with --yes")
        ids, now = short_ids(items.held), datetime.now(UTC)
        show_rows(self._console, [pending_row(items, held, ids[held.id], now) for held in chosen])
        return self._console.ask(f"cancel {number} of {messages.name_of(items.stored)}?")

    async def run(self, chosen: Sequence[Held]) -> int:
        """Cancel the items until Ctrl-C, or until no desk answers. Return the exit code."""
        receipts: list[Receipt] = []
        async with self._session.redis() as redis:
            with catch_interrupt() as stop:
                for held in chosen:
                    receipt = await self._cancel(redis, held)
                    receipts.append(receipt)
                    self._print(held, receipt)
                    if stop.is_set() or receipt.status in UNDECIDED:
                        break
        self._print_summary(receipts, len(chosen))
        if stop.is_set():
            return INTERRUPTED
        codes = {STATUS_OF[receipt.status] for receipt in receipts}
        return next((code for code in _WORST_FIRST if code in codes), Status.DONE)

    async def _cancel(self, redis: Redis, held: Held) -> Receipt:
        request = DecisionRequest(
            key=new_key(),
            decision=Decision.CANCEL,
            held=held.id,
            deadline_s=self._options.wait_s,
            origin=origin(),
        )
        return await PendingRequest(self._session.url, self._loaded.stored.name, self._editor, request).run(redis)

    def _print(self, held: Held, receipt: Receipt) -> None:
        if self._console.json:
            self._console.give(receipt)
            return
        items = self._loaded
        text = messages.held_text(held, items.line_of(held))
        subject = Subject(held.submission.change, text, items.direction_of(held))
        zone = find_zone(items.stored.edition.zone)
        write = self._console.say if receipt.status is ReceiptStatus.DROPPED else self._console.tell
        for line in messages.receipt_lines(
            receipt, subject, lambda instant: spell_instant(instant, datetime.now(UTC), zone), None
        ):
            write(line)

    def _print_summary(self, receipts: Sequence[Receipt], total: int) -> None:
        done = sum(receipt.status is ReceiptStatus.DROPPED for receipt in receipts)
        name = messages.name_of(self._loaded.stored)
        self._console.tell(f"{name}  {done:,} of {messages.count(total, 'held item')} cancelled")

    @property
    def _loaded(self) -> HeldItems:
        assert self._items is not None, "`find` comes first"
        return self._items
